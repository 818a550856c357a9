import { Errno } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import type { KernelCore } from '../../src/kernel/index.js';
import { pinUserPages, unpinUserPages, unpinUserPagesDirtyLock, type MmStruct } from '../../src/mm/index.js';
import {
  checkRegMr,
  isWritable,
  makeMtt,
  type DeviceDriver,
  type Hardware,
  type MemoryRegion,
  type Mkey,
  type PageFault,
  type RegMrRequest,
} from '../contract/index.js';

/** struct ib_umem: a region whose pages are pinned for as long as it lives. */
class Umem implements MemoryRegion {
  constructor(
    readonly mm: MmStruct,
    readonly mkey: Mkey,
    readonly start: number,
    readonly length: number,
    readonly frames: Int32Array,
    readonly writable: boolean,
  ) {}
}

/**
 * The legacy driver, after ib_umem_get and __ib_umem_release: every page is pinned at registration, and dirtied when the
 * pin ends. In between it hears of nothing and tells nobody.
 */
export class PinnedDriver implements DeviceDriver {
  readonly name = 'pinned';
  readonly stats = { faults: 0, invalidations: 0 };

  private readonly regions = new Map<Mkey, Umem>();

  constructor(
    private readonly hardware: Hardware,
    private readonly kernel: KernelCore,
  ) {}

  *regMr(request: RegMrRequest): Task<MemoryRegion> {
    const { mm, start, length, access } = request;
    checkRegMr(request);
    const writable = isWritable(access);
    const frames = yield* pinUserPages(mm, start, length, { write: writable, longterm: true });
    mm.pinnedVm += frames.length;
    yield this.hardware.costs.register(frames.length);
    let mkey: Mkey;
    try {
      mkey = this.hardware.createMkey({ ...request, iova: request.iova ?? start });
    } catch (error) {
      yield* this.release(mm, frames, writable);
      throw error;
    }
    yield* this.hardware.map(
      mkey,
      0,
      frames.map((frame) => makeMtt(frame, writable)),
    );
    const umem = new Umem(mm, mkey, start, length, frames, writable);
    this.regions.set(mkey, umem);
    return umem;
  }

  *deregMr(region: MemoryRegion): Task {
    const umem = this.regions.get(region.mkey);
    if (umem === undefined) throw new Errno('EINVAL', `dereg_mr: not a region of ${this.name}`);
    const { mm, mkey, frames, writable } = umem;
    this.regions.delete(mkey);
    yield* this.hardware.destroyMkey(mkey);
    yield this.hardware.costs.deregister(frames.length);
    yield* this.release(mm, frames, writable);
  }

  /** Every translation is there from registration on, so a fault is an access that the region does not allow. */
  *pageFault(fault: PageFault): Task {
    this.stats.faults++;
    this.hardware.resume(fault, 'error');
  }

  /** __ib_umem_release: the pin ends, and only now does the kernel hear that the pages may have been written. */
  private *release(mm: MmStruct, frames: Int32Array, writable: boolean): Task {
    if (writable) yield* unpinUserPagesDirtyLock(this.kernel.mm, frames);
    else unpinUserPages(this.kernel.mm, frames);
    mm.pinnedVm -= frames.length;
  }
}
