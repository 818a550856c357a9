import {
  Errno,
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  Lock,
  MS,
  PAGE_SIZE,
  ULONG_MAX,
  hex,
  hmmFrame,
  hmmRangeFault,
  pageAlignDown,
  setPageDirty,
  type ErrnoCode,
  type IntervalNotifier,
  type InvalidateRange,
  type MmStruct,
  type SvmContext,
  type Task,
} from 'pinless';
import { DeviceMmu } from './device-mmu.js';
import type { Fault } from './fault-queue.js';
import type { MyDevice } from './my-device.js';

/** HMM_RANGE_DEFAULT_TIMEOUT: how long a fault is tried again while invalidations get in its way (rule R16). */
const FAULT_TIMEOUT = 1000 * MS;

/**
 * The driver: a process that the device has open. `invalidate` takes from the device what the kernel is about to change,
 * `serve` gets what the device wants to use, and one lock keeps the two apart.
 */
export class MyContext implements SvmContext {
  readonly mmu: DeviceMmu;
  /** Nobody takes mmap_lock, or anything that the kernel may hold when it invalidates, under it (rule R8). */
  private readonly lock: Lock;
  private readonly notifier: IntervalNotifier;

  constructor(
    private readonly device: MyDevice,
    readonly mm: MmStruct,
  ) {
    this.mmu = new DeviceMmu(mm, device.watchers);
    this.lock = new Lock(mm.system.simulation, `page table of ${device.name}`);
    this.notifier = mm.notifiers.insertInterval(0, pageAlignDown(ULONG_MAX), {
      name: device.driverName,
      invalidate: (range, seq) => {
        this.invalidate(range, seq);
      },
    });
  }

  /** The kernel waits until `quiesce` has ended. What may not block cannot wait for the device, and is refused (R6). */
  private invalidate(range: InvalidateRange, seq: number): void {
    if (range.blockable) range.hold(this.device.driverName, this.quiesce(range.start, range.end, seq));
    else range.refuse(this.device.driverName);
  }

  private *quiesce(start: number, end: number, seq: number): Task {
    yield this.lock;
    // R4: even where there is nothing to drop. A fault may be under way.
    this.notifier.setSeq(seq);
    yield* this.zap(start, end);
    this.lock.release();
  }

  /** R1: nothing lands any more when this has returned. R5: and what the device has written is dirty by then. */
  private *zap(start: number, end: number): Task {
    const written = yield* this.mmu.unmap(start, end);
    for (const frame of written) setPageDirty(this.mm, frame);
  }

  /** A page fault of the device. @returns what the device is to do: try again, or fail */
  *serve({ address, write }: Fault): Task<'retry' | Errno> {
    const { mm, notifier } = this;
    const { simulation } = mm.system;
    const entries = new Int32Array(1);
    const request = HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0);
    const deadline = simulation.now + FAULT_TIMEOUT;
    for (;;) {
      if (!mm.alive) return this.failed('EINVAL', address);
      if (simulation.now > deadline) return this.failed('EBUSY', address);
      const notifierSeq = yield* notifier.readBegin();
      yield mm.mmapLock.shared;
      const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start: address, entries, request });
      mm.mmapLock.releaseShared();
      if (result === 'EBUSY') continue;
      if (result !== 0) return this.failed(result, address);
      yield this.lock;
      // R3: no invalidation came in between; and none comes before the translation is there, as it needs the lock.
      if (!notifier.readRetry(notifierSeq)) break;
      this.lock.release();
    }
    // R10: the device may write where the CPU may, whatever was asked for.
    for (const entry of entries) this.mmu.install(address, hmmFrame(entry), (entry & HMM_PFN_WRITE) !== 0);
    this.lock.release();
    return 'retry';
  }

  private failed(code: ErrnoCode, address: number): Errno {
    return new Errno(code, `fault of ${this.device.name} at ${hex(address)}`);
  }

  read(address: number, target: Uint8Array): Task {
    return this.transfer(address, target, false);
  }

  write(address: number, data: Uint8Array): Task {
    return this.transfer(address, data, true);
  }

  /** Page by page, as each has a translation of its own. */
  private *transfer(address: number, bytes: Uint8Array, write: boolean): Task {
    for (let done = 0; done < bytes.length;) {
      const at = address + done;
      const part = bytes.subarray(done, done + PAGE_SIZE - (at % PAGE_SIZE));
      if (yield* this.mmu.access(at, part, write)) done += part.length;
      else yield* this.device.faults.raise({ context: this, address: pageAlignDown(at), write, answer: null });
    }
  }

  /** The device is off the process before its driver stops listening: in between, nobody would tell it. */
  *close(): Task {
    yield this.lock;
    yield* this.zap(0, ULONG_MAX);
    this.lock.release();
    yield* this.mm.notifiers.removeInterval(this.notifier);
    this.device.closed(this);
  }
}
