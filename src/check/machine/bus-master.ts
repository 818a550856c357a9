import { PAGE_SIZE, pageOf } from '../../base/index.js';
import { Gate, SimulationError, type Task } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import {
  mttFrame,
  type DeviceDriver,
  type MemoryRegion,
  type ObservedDevice,
} from '../../../devices/contract/index.js';
import { NicMkey, observeNic, type DmaOp, type Nic } from '../../../devices/nic/index.js';
import type { Stage } from '../explore/index.js';
import type { DeviceUnderTest } from './device-under-test.js';
import { DeviceState } from './device-state.js';

/** IBV_ACCESS_LOCAL_WRITE, REMOTE_WRITE, REMOTE_READ, REMOTE_ATOMIC. */
const ALL_RIGHTS = 0xf;

/** A region, and the key through which the device accesses it. */
interface Registered {
  readonly region: MemoryRegion;
  readonly mkey: NicMkey;
}

/**
 * A NIC on the bus without a wire: its translation table, DMA engine, page faults and driver are the NIC's; what it accesses,
 * and when, is up to a task. That is what each of a NIC's queue pairs does: a packet that needs a page is kept until the
 * driver has brought it.
 */
export class BusMaster implements DeviceUnderTest {
  readonly name: string;
  readonly observed: ObservedDevice;
  private readonly state: DeviceState;
  private registered: Registered | null = null;
  private nextQpn = 1;

  constructor(
    private readonly stage: Stage,
    private readonly nic: Nic,
    private readonly driver: DeviceDriver,
  ) {
    this.name = nic.name;
    nic.attach(driver);
    this.observed = observeNic(nic);
    this.state = new DeviceState(stage, nic);
  }

  *register(mm: MmStruct, start: number, length: number): Task {
    const region = yield* this.driver.regMr({ mm, start, length, access: ALL_RIGHTS });
    const { mkey } = region;
    if (!(mkey instanceof NicMkey)) throw new SimulationError(`${this.name} was given another device's key`);
    if (mkey.mm === null) mkey.belongsTo(mm, start);
    this.registered = { region, mkey };
    this.state.watch(mkey);
  }

  *deregister(): Task {
    yield* this.driver.deregMr(this.the().region);
  }

  *access(kind: 'read' | 'write', address: number, length: number): Task {
    const { region, mkey } = this.the();
    const remote = mkey.iova + (address - region.start);
    for (;;) {
      if (!this.state.isValid(mkey)) return;
      if (mkey.firstMissing(remote, length, kind === 'write') < 0) break;
      if ((yield* this.fault(mkey, remote, kind === 'write')) === 'error') return;
    }
    yield* this.landed(this.issue(kind, mkey, remote, length));
  }

  private the(): Registered {
    if (this.registered === null) throw new SimulationError(`${this.name} has no memory registered`);
    return this.registered;
  }

  /** Raises a page fault and waits until the operation is resumed. */
  private *fault(mkey: NicMkey, remote: number, write: boolean): Task<'retry' | 'error'> {
    const resumed = new Gate(this.stage.simulation, `the page fault of ${this.name} to be resumed`);
    const answers: ('retry' | 'error')[] = [];
    this.nic.raise({
      mkey,
      firstPage: pageOf(remote) - mkey.firstPage,
      pages: 1,
      write,
      qpn: this.nextQpn++,
      onResume: (answer) => {
        answers.push(answer);
        resumed.open();
      },
    });
    yield resumed;
    return answers[0];
  }

  private issue(kind: 'read' | 'write', mkey: NicMkey, remote: number, length: number): DmaOp {
    const { dma } = this.nic;
    const [frame, offset] = [mttFrame(mkey.entry(remote)), remote % PAGE_SIZE];
    const bytes = new Uint8Array(length).fill(1);
    const op =
      kind === 'write' ? dma.write(frame, offset, length, bytes, 0) : dma.read(frame, offset, length, bytes, 0);
    dma.issue(op, mkey, remote, 0);
    this.stage.note(`${this.name} ${kind}s at 0x${remote.toString(16)}, frame ${String(frame)}`);
    return op;
  }

  private *landed(op: DmaOp): Task {
    const landed = new Gate(this.stage.simulation, `DMA of ${this.name} to land`);
    this.nic.dma.watch(op, {
      dmaLanded: () => {
        landed.open();
      },
    });
    yield landed;
  }
}
