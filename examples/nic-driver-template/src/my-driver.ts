import {
  Errno,
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  MS,
  PAGE_SIZE,
  checkRegMr,
  driverPlugin,
  hmmFrame,
  hmmRangeFault,
  makeMtt,
  type DeviceDriver,
  type Hardware,
  type HmmResult,
  type InvalidateRange,
  type KernelCore,
  type MemoryRegion,
  type Mkey,
  type PageFault,
  type RegMrRequest,
  type Task,
} from 'pinless';
import { MyRegion } from './my-region.js';

/** HMM_RANGE_DEFAULT_TIMEOUT: how long a fault is tried again while invalidations get in its way (rule R16). */
const FAULT_TIMEOUT = 1000 * MS;

/** A driver of a NIC with on-demand paging, at its least: a region begins without pages, and the device asks for each. */
export class MyDriver implements DeviceDriver {
  readonly name = 'my-driver';
  readonly stats = { faults: 0, invalidations: 0 };
  private readonly regions = new Map<Mkey, MyRegion>();

  constructor(
    private readonly hardware: Hardware,
    private readonly kernel: KernelCore,
  ) {}

  *regMr(request: RegMrRequest): Task<MemoryRegion> {
    checkRegMr(request);
    yield this.hardware.costs.register(0);
    const mkey = this.hardware.createMkey({ ...request, iova: request.iova ?? request.start });
    const region = new MyRegion(request, mkey);
    try {
      region.notifier = request.mm.notifiers.insertInterval(region.firstAddress, mkey.pages * PAGE_SIZE, {
        name: this.name,
        invalidate: (range, seq) => {
          this.invalidate(region, range, seq);
        },
      });
    } catch (error) {
      // Whoever fails holds nothing.
      yield* this.hardware.destroyMkey(mkey);
      throw error;
    }
    this.regions.set(mkey, region);
    return region;
  }

  /** The kernel waits until `quiesce` has ended. What may not block cannot wait for the device, and is refused (R6). */
  private invalidate(region: MyRegion, range: InvalidateRange, seq: number): void {
    if (range.blockable) range.hold(this.name, this.quiesce(region, range, seq));
    else range.refuse(this.name);
  }

  private *quiesce(region: MyRegion, range: InvalidateRange, seq: number): Task {
    this.stats.invalidations++;
    yield region.lock;
    // R4: even where there is nothing to drop. A fault may be under way.
    region.notifier.setSeq(seq);
    // R13: a deregistration that had the lock before has destroyed the key, and let go of everything.
    if (!region.destroyed) {
      const [first, end] = region.pagesOf(range);
      // R1: unmap returns when no access can land any more.
      yield* this.hardware.unmap(region.mkey, first, end - first);
      const pages = region.release(first, end);
      if (pages > 0) yield this.hardware.costs.invalidate(pages);
    }
    region.lock.release();
  }

  /** R16: whatever happens, it ends. */
  *pageFault(fault: PageFault): Task {
    this.stats.faults++;
    const region = this.regions.get(fault.mkey);
    const result = region === undefined ? 'EFAULT' : yield* this.mapPages(region, fault);
    this.hardware.resume(fault, result === 0 ? 'retry' : 'error');
  }

  private *mapPages(region: MyRegion, { firstPage, pages, write }: PageFault): Task<HmmResult> {
    const { mm, notifier, lock } = region;
    const { simulation } = this.kernel;
    const entries = new Int32Array(pages);
    const start = region.firstAddress + firstPage * PAGE_SIZE;
    const request = HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0);
    const deadline = simulation.now + FAULT_TIMEOUT;
    yield this.hardware.costs.fault(pages);
    for (;;) {
      if (!mm.alive) return 'EFAULT';
      if (simulation.now > deadline) return 'EBUSY';
      const notifierSeq = yield* notifier.readBegin();
      yield mm.mmapLock.shared;
      const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start, entries, request });
      mm.mmapLock.releaseShared();
      if (result === 'EBUSY') continue;
      if (result !== 0) return result;
      yield lock;
      // R3: no invalidation came in between; and none comes before the translations are there, as it needs the lock.
      if (!notifier.readRetry(notifierSeq)) break;
      lock.release();
    }
    if (!region.destroyed) {
      region.keep(firstPage, entries);
      yield* this.hardware.map(region.mkey, firstPage, entries.map(toMtt));
    }
    lock.release();
    return region.destroyed ? 'EFAULT' : 0;
  }

  /** The key goes first: once nobody listens, nobody would take the pages from the device. */
  *deregMr({ mkey }: MemoryRegion): Task {
    const region = this.regions.get(mkey);
    if (region === undefined) throw new Errno('EINVAL', `dereg_mr: not a region of ${this.name}`);
    this.regions.delete(mkey);
    yield region.lock;
    region.destroyed = true;
    yield* this.hardware.destroyMkey(mkey);
    region.release(0, mkey.pages);
    region.lock.release();
    yield this.hardware.costs.deregister(0);
    yield* region.mm.notifiers.removeInterval(region.notifier);
  }
}

/** R10: the device may write where the CPU may, whatever was asked for. */
function toMtt(entry: number): number {
  return (entry & HMM_PFN_VALID) === 0 ? 0 : makeMtt(hmmFrame(entry), (entry & HMM_PFN_WRITE) !== 0);
}

export default driverPlugin(
  { name: 'my-driver', title: 'a NIC driver with on-demand paging', onDemandPaging: true },
  (hardware, kernel) => new MyDriver(hardware, kernel),
);
