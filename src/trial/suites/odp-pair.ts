import { HPAGE_SIZE, PAGE_SIZE } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { Process } from '../../kernel/index.js';
import { mmap } from '../../mm/index.js';
import { IBV_ACCESS_HUGETLB, type DeviceDriver, type MemoryRegion } from '../../../devices/contract/index.js';
import {
  type CompletionQueue,
  type QueuePair,
  type SendWorkRequest,
  type Sge,
  type WorkCompletion,
} from '../../../devices/nic/index.js';
import { ACCESS, NicTriedDevice } from '../device/nic-tried-device.js';
import { expectBytes, expectEqual } from '../expect.js';
import { BASE, WRITE, type Stage } from '../stage.js';

/** Bytes of a message: test_odp.py sends 1024. */
export const MESSAGE = 1024;

/** One side of a connection: a process with a buffer that is registered with its NIC. */
export class OdpSide {
  region!: MemoryRegion;

  constructor(
    private readonly stage: Stage,
    readonly process: Process,
    private readonly driver: DeviceDriver,
    readonly qp: QueuePair,
    readonly sent: CompletionQueue,
    readonly received: CompletionQueue,
  ) {}

  /** Maps and registers the buffer. @param huge of hugetlb, with IBV_ACCESS_HUGETLB */
  *register(huge: boolean): Task {
    const length = huge ? HPAGE_SIZE : PAGE_SIZE;
    const of = huge ? { file: { file: this.stage.hugetlb(length), pgoff: 0 } } : {};
    yield* mmap(this.process.mm, { address: BASE, length, flags: WRITE, ...of });
    const access = ACCESS.write | (huge ? IBV_ACCESS_HUGETLB : 0);
    this.region = yield* this.driver.regMr({ mm: this.process.mm, start: BASE, length, access });
  }

  *deregister(): Task {
    yield* this.driver.deregMr(this.region);
  }

  /** What the buffer is called in work requests. */
  sge(length: number): Sge {
    return { lkey: this.region.mkey.rkey, address: this.region.mkey.iova, length };
  }

  /** force_page_faults: the buffer is gone, so whoever uses it next faults. A pin would keep what is not in use any more. */
  *forcePageFaults(): Task {
    if (this.stage.subject.pins) return;
    yield* this.stage.kernel.madviseDontneed(this.process, BASE, this.region.length);
  }

  *fill(bytes: Uint8Array): Task {
    yield* this.stage.store(BASE, bytes, this.process);
  }

  *expect(what: string, bytes: Uint8Array): Task {
    expectBytes(`${what}, as the CPU of ${this.process.name} sees it`, yield* this.load(bytes.length), bytes);
  }

  *load(length: number): Task<Uint8Array> {
    return yield* this.stage.load(BASE, length, this.process);
  }

  /** Posts a request that must complete. */
  *perform(request: Omit<SendWorkRequest, 'wrId'>): Task {
    this.qp.postSend({ ...request, wrId: 1 });
    expectCompleted(request.opcode, yield* this.sent.next());
  }

  /** A one-sided request from this side's buffer to the other's. */
  *remote(to: OdpSide, request: Omit<SendWorkRequest, 'wrId' | 'local' | 'remoteAddress' | 'rkey'>): Task {
    const { iova, rkey } = to.region.mkey;
    const local = request.opcode === 'FLUSH' ? null : this.sge(request.length);
    yield* this.perform({ ...request, local, remoteAddress: iova, rkey });
  }

  /** A message from this side's buffer into the other's. */
  *send(to: OdpSide, length: number): Task {
    to.qp.postRecv({ wrId: 2, local: to.sge(length), length });
    yield* this.perform({ opcode: 'SEND', length, local: this.sge(length) });
    expectCompleted('RECV', yield* to.received.next());
  }
}

/** A client and a server, each with the driver that is tried, and a buffer each. */
export interface OdpPair {
  readonly client: OdpSide;
  readonly server: OdpSide;
}

/** Connects and registers both sides. @param huge buffers of hugetlb */
export function* openPair(stage: Stage, huge = false): Task<OdpPair> {
  const { device, subject, watch } = stage;
  if (!(device instanceof NicTriedDevice) || subject.tried.kind !== 'nic-driver') {
    throw new Error('only NICs have queue pairs');
  }
  const clientDriver = device.attachClient(subject.tried.create, (nic) => {
    watch.watch(nic);
  });
  const [sent, received] = [device.completionQueue('client’s sends'), device.completionQueue('server’s receives')];
  const [back, returned] = [device.completionQueue('server’s sends'), device.completionQueue('client’s receives')];
  const { here, there } = device.connect({ sent, received: returned }, { sent: back, received });
  const pair = {
    client: new OdpSide(stage, stage.newProcess('client'), clientDriver, here, sent, returned),
    server: new OdpSide(stage, stage.process, device.driver, there, back, received),
  };
  yield* pair.client.register(huge);
  yield* pair.server.register(huge);
  return pair;
}

function expectCompleted(what: string, { status }: WorkCompletion): void {
  expectEqual(`the completion of ${what}`, status, 'IBV_WC_SUCCESS');
}
