import { Errno } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import type { KernelCore } from '../../../kernel/index.js';
import type { MmStruct } from '../../../mm/index.js';
import type {
  DeviceDriver,
  DriverFactory,
  MemoryRegion,
  ObservedDevice,
  RegMrRequest,
} from '../../../../devices/contract/index.js';
import {
  CONNECTX,
  CompletionQueue,
  Nic,
  PacketPool,
  observeNic,
  type QueuePair,
  type SendWorkRequest,
  type WorkCompletion,
} from '../../../../devices/nic/index.js';
import type { AtomicResult, MrAdvice, ProgramDevice, ProgramMr, Status } from './program-device.js';

/**
 * A NIC with translation tables of its own, and a driver that somebody has written: the device of a program that is to try
 * the driver. Its peer is another NIC, whose memory is not shown. It registers without pins only.
 */
export class NicProgramDevice implements ProgramDevice {
  readonly nic: Nic;
  readonly driver: DeviceDriver;
  readonly observed: ObservedDevice;
  private readonly peer: Nic;
  private readonly completions: CompletionQueue;
  private readonly receives: CompletionQueue;
  private readonly regions = new Set<MemoryRegion>();
  private pair: { readonly here: QueuePair; readonly there: QueuePair } | null = null;
  private lastId = 0;

  constructor(kernel: KernelCore, create: DriverFactory) {
    const { simulation, mm: system } = kernel;
    const pool = new PacketPool();
    this.nic = new Nic(simulation, system.memory, pool, 'nic', CONNECTX);
    this.peer = new Nic(simulation, system.memory, pool, 'peer', CONNECTX);
    this.completions = new CompletionQueue(simulation, 'completions');
    this.receives = new CompletionQueue(simulation, 'receives');
    this.driver = create(this.nic, kernel);
    this.nic.attach(this.driver);
    this.observed = observeNic(this.nic);
  }

  *regMr(request: RegMrRequest, odp: boolean): Task<ProgramMr> {
    if (!odp) throw new Errno('EOPNOTSUPP', `reg_mr: driver "${this.driver.name}" is tried without pins`);
    const region = yield* this.driver.regMr(request);
    this.regions.add(region);
    return new Region(this, region);
  }

  *deregMr(region: MemoryRegion): Task {
    if (this.regions.delete(region)) yield* this.driver.deregMr(region);
  }

  *close(mm: MmStruct): Task {
    for (const region of [...this.regions].filter((each) => each.mm === mm).reverse()) yield* this.deregMr(region);
  }

  /** A request of the peer. */
  *request(request: Omit<SendWorkRequest, 'wrId'>): Task<Status> {
    const { there } = this.connected();
    there.postSend({ ...request, wrId: ++this.lastId });
    return this.ended(yield* this.completions.next());
  }

  /** A SEND of the peer into a receive of `region`. */
  *receive(region: MemoryRegion, address: number, data: Uint8Array): Task<{ sender: Status; receiver: Status }> {
    const { here, there } = this.connected();
    const local = { lkey: region.mkey.rkey, address: iova(region, address), length: data.length };
    here.postRecv({ wrId: ++this.lastId, local, length: data.length });
    there.postSend({ wrId: ++this.lastId, opcode: 'SEND', length: data.length, local: data });
    const sent = yield* this.completions.next();
    const received = yield* this.receives.next();
    return { sender: this.ended(sent), receiver: this.ended(received) };
  }

  /** A SEND of this NIC out of `region`. */
  *send(region: MemoryRegion, address: number, data: Uint8Array): Task<Status> {
    const { here, there } = this.connected();
    const local = { lkey: region.mkey.rkey, address: iova(region, address), length: data.length };
    there.postRecv({ wrId: ++this.lastId, local: data, length: data.length });
    here.postSend({ wrId: ++this.lastId, opcode: 'SEND', length: data.length, local });
    const sent = yield* this.completions.next();
    if (sent.status === 'IBV_WC_SUCCESS') yield* this.receives.next();
    return this.ended(sent);
  }

  /** The status, without its prefix. A queue pair that has failed is given up: the next request gets a new one. */
  private ended({ status }: WorkCompletion): Status {
    if (status !== 'IBV_WC_SUCCESS') this.disconnect();
    return status.replace('IBV_WC_', '');
  }

  private connected(): { readonly here: QueuePair; readonly there: QueuePair } {
    if (this.pair !== null) return this.pair;
    const queues = { sendCq: this.completions, recvCq: this.receives };
    const pair = { here: this.nic.createQp(queues), there: this.peer.createQp(queues) };
    pair.here.connect(this.peer, pair.there.qpn);
    pair.there.connect(this.nic, pair.here.qpn);
    this.pair = pair;
    return pair;
  }

  private disconnect(): void {
    if (this.pair === null) return;
    this.nic.destroyQp(this.pair.here);
    this.peer.destroyQp(this.pair.there);
    this.pair = null;
    // What was flushed with it is nobody's.
    while (this.completions.poll() !== null);
    while (this.receives.poll() !== null);
  }
}

/** The address by which a region names a byte of its process. */
function iova({ mkey, start }: MemoryRegion, address: number): number {
  return address - start + mkey.iova;
}

class Region implements ProgramMr {
  constructor(
    private readonly device: NicProgramDevice,
    private readonly region: MemoryRegion,
  ) {}

  write(address: number, data: Uint8Array): Task<Status> {
    return this.remote(address, { opcode: 'RDMA_WRITE', length: data.length, local: data });
  }

  read(address: number, data: Uint8Array): Task<Status> {
    return this.remote(address, { opcode: 'RDMA_READ', length: data.length, local: data });
  }

  fetchAndAdd(address: number, swapOrAdd: bigint): Task<AtomicResult> {
    return this.atomic(address, { opcode: 'ATOMIC_FETCH_AND_ADD', swapOrAdd });
  }

  compareAndSwap(address: number, compare: bigint, swapOrAdd: bigint): Task<AtomicResult> {
    return this.atomic(address, { opcode: 'ATOMIC_CMP_AND_SWP', compare, swapOrAdd });
  }

  receive(address: number, data: Uint8Array): Task<{ readonly sender: Status; readonly receiver: Status }> {
    return this.device.receive(this.region, address, data);
  }

  send(address: number, data: Uint8Array): Task<Status> {
    return this.device.send(this.region, address, data);
  }

  writeFrom(address: number, data: Uint8Array): Task<Status> {
    return this.device.send(this.region, address, data);
  }

  /** ib_device_ops.advise_mr: no driver of this contract has it. */
  advise(advice: MrAdvice): Task {
    throw new Errno('EOPNOTSUPP', `advise_mr: ${advice}`);
  }

  *deregister(): Task {
    yield* this.device.deregMr(this.region);
  }

  private *atomic(
    address: number,
    request: Pick<SendWorkRequest, 'opcode' | 'compare' | 'swapOrAdd'>,
  ): Task<AtomicResult> {
    const old = new Uint8Array(8);
    const status = yield* this.remote(address, { ...request, length: 8, local: old });
    return { status, old: new DataView(old.buffer).getBigUint64(0, true) };
  }

  private remote(address: number, request: Omit<SendWorkRequest, 'wrId' | 'remoteAddress' | 'rkey'>): Task<Status> {
    const { region } = this;
    return this.device.request({ ...request, remoteAddress: iova(region, address), rkey: region.mkey.rkey });
  }
}
