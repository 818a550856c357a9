import type { Task } from '../../engine/index.js';
import type { KernelCore, Process } from '../../kernel/index.js';
import {
  IBV_ACCESS_FLUSH_GLOBAL,
  IBV_ACCESS_LOCAL_WRITE,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  type DeviceDriver,
  type DriverFactory,
  type MemoryRegion,
  type ObservedDevice,
} from '../../../devices/contract/index.js';
import {
  CompletionQueue,
  Nic,
  PacketPool,
  observeNic,
  type DeviceProfile,
  type QueuePair,
  type SendWorkRequest,
} from '../../../devices/nic/index.js';
import type { Channel, Refusal, Rights, TriedDevice, Window } from './tried-device.js';

/** Rights of a region. */
export const ACCESS: Readonly<Record<Rights, number>> = {
  read: IBV_ACCESS_REMOTE_READ,
  write:
    IBV_ACCESS_LOCAL_WRITE |
    IBV_ACCESS_REMOTE_WRITE |
    IBV_ACCESS_REMOTE_READ |
    IBV_ACCESS_REMOTE_ATOMIC |
    IBV_ACCESS_FLUSH_GLOBAL,
};

/** The completion queues of a queue pair. */
export interface Completions {
  readonly sent: CompletionQueue;
  readonly received: CompletionQueue;
}

/**
 * A NIC with the driver, and a second one on the same link whose memory is not modelled: what the first does to memory, the
 * second asks for, by RDMA READ and WRITE.
 */
export class NicTriedDevice implements TriedDevice {
  readonly client: Nic;
  readonly server: Nic;
  readonly driver: DeviceDriver;
  readonly observed: readonly ObservedDevice[];

  /** @param onDereg told when a key has been destroyed */
  constructor(
    private readonly kernel: KernelCore,
    create: DriverFactory,
    profile: DeviceProfile,
    private readonly onDereg: () => void,
    name: string,
  ) {
    const { simulation, mm } = kernel;
    const pool = new PacketPool();
    this.client = new Nic(simulation, mm.memory, pool, `client of ${name}`, profile);
    this.server = new Nic(simulation, mm.memory, pool, name, profile);
    this.driver = create(this.server, kernel);
    this.server.attach(this.driver);
    this.observed = [observeNic(this.server)];
  }

  *open(process: Process, start: number, length: number, rights: Rights = 'write'): Task<Window> {
    const region = yield* this.driver.regMr({ mm: process.mm, start, length, access: ACCESS[rights] });
    return new Registered(this, region);
  }

  /** A key that is left when its region has gone, or was never had, can be used by whoever knows it. */
  left(): string | null {
    for (const { name, mkeys } of [this.server, this.client]) {
      for (const { rkey } of mkeys.live) return `rkey 0x${rkey.toString(16)} of ${name} has not been destroyed`;
    }
    return null;
  }

  /** Whatever is wrong with the memory, the other side is told of a remote access error (IBTA 9.9.2.3). */
  refusal(): string {
    return 'IBV_WC_REM_ACCESS_ERR';
  }

  /** A pair of connected queue pairs: the client's and the server's, each with its completion queues. */
  connect(client: Completions, server: Completions): { readonly here: QueuePair; readonly there: QueuePair } {
    const here = this.client.createQp({ sendCq: client.sent, recvCq: client.received });
    const there = this.server.createQp({ sendCq: server.sent, recvCq: server.received });
    here.connect(this.server, there.qpn);
    there.connect(this.client, here.qpn);
    return { here, there };
  }

  /** The driver of the client's side, too: another one of the kind. @param watch called with the NIC, to be watched */
  attachClient(create: DriverFactory, watch: (device: ObservedDevice) => void): DeviceDriver {
    const driver = create(this.client, this.kernel);
    this.client.attach(driver);
    watch(observeNic(this.client));
    return driver;
  }

  completionQueue(name: string): CompletionQueue {
    return new CompletionQueue(this.kernel.simulation, name);
  }

  *dereg(region: MemoryRegion): Task {
    yield* this.driver.deregMr(region);
    this.onDereg();
  }
}

/** One queue pair after the other: one that has failed is given up, and the next access gets another. */
class Requests implements Channel {
  private readonly completions: CompletionQueue;
  /** Where nothing ever comes: only the client asks, and it asks for what needs no receive. */
  private readonly others: CompletionQueue;
  private pair: { readonly here: QueuePair; readonly there: QueuePair } | null = null;
  private lastId = 0;

  constructor(
    protected readonly device: NicTriedDevice,
    protected readonly region: MemoryRegion,
  ) {
    this.completions = device.completionQueue('completions');
    this.others = device.completionQueue('receives');
  }

  read(address: number, target: Uint8Array): Task<Refusal> {
    return this.request({ opcode: 'RDMA_READ', length: target.length, local: target }, address);
  }

  write(address: number, data: Uint8Array): Task<Refusal> {
    return this.request({ opcode: 'RDMA_WRITE', length: data.length, local: data }, address);
  }

  private *request(request: Pick<SendWorkRequest, 'opcode' | 'length' | 'local'>, address: number): Task<Refusal> {
    const { device, completions, region } = this;
    this.pair ??= device.connect(
      { sent: completions, received: this.others },
      { sent: this.others, received: this.others },
    );
    const { here, there } = this.pair;
    const { rkey, iova } = region.mkey;
    here.postSend({ ...request, wrId: ++this.lastId, remoteAddress: address - region.start + iova, rkey });
    const { status } = yield* completions.next();
    if (status === 'IBV_WC_SUCCESS') return null;
    this.pair = null;
    device.client.destroyQp(here);
    device.server.destroyQp(there);
    while (completions.poll() !== null);
    return status;
  }
}

class Registered extends Requests implements Window {
  channel(): Channel {
    return new Requests(this.device, this.region);
  }

  *close(): Task {
    yield* this.device.dereg(this.region);
  }
}
