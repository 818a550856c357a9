import { Errno, PAGE_SIZE, SparseInt32, pageAlignDown, pageOf } from '../../src/base/index.js';
import { Lock, MS, type Task } from '../../src/engine/index.js';
import type { KernelCore } from '../../src/kernel/index.js';
import {
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  hmmFrame,
  hmmRangeFault,
  type HmmResult,
  type MmStruct,
} from '../../src/mm/index.js';
import type { IntervalNotifier, InvalidateRange } from '../../notifiers/index.js';
import {
  checkMrAccess,
  makeMtt,
  type DeviceDriver,
  type Hardware,
  type MemoryRegion,
  type Mkey,
  type PageFault,
  type RegMrRequest,
} from '../contract/index.js';

/** HMM_RANGE_DEFAULT_TIMEOUT: how long a fault is tried again while invalidations get in its way. */
const HMM_RANGE_DEFAULT_TIMEOUT = 1000 * MS;

/** Pages of a region that are looked at in one go at registration. */
const SNAPSHOT_PAGES = 4096;

/** struct ib_umem_odp: a region without pins. `mutex` (umem_mutex) protects `entries` and the device's translations. */
class UmemOdp implements MemoryRegion {
  readonly mutex: Lock;
  /** HMM entries of the pages that the device has, 0 for the others. */
  readonly entries: SparseInt32;
  notifier!: IntervalNotifier;

  constructor(
    kernel: KernelCore,
    readonly mm: MmStruct,
    readonly mkey: Mkey,
    readonly start: number,
    readonly length: number,
  ) {
    this.mutex = new Lock(kernel.simulation, `umem_mutex of rkey 0x${mkey.rkey.toString(16)}`);
    this.entries = new SparseInt32(mkey.pages);
  }

  /** Address of the region's first page. */
  get firstAddress(): number {
    return pageAlignDown(this.start);
  }
}

/**
 * On-demand paging, after drivers/infiniband/core/umem_odp.c and mlx5's odp.c: no pages are held. The device faults them
 * in, and lets go of them before the kernel changes a page table.
 */
export class OdpDriver implements DeviceDriver {
  readonly name = 'odp';
  readonly stats = { faults: 0, invalidations: 0 };

  private readonly regions = new Map<Mkey, UmemOdp>();

  constructor(
    private readonly hardware: Hardware,
    private readonly kernel: KernelCore,
  ) {}

  *regMr(request: RegMrRequest): Task<MemoryRegion> {
    const { mm, start, length, access } = request;
    checkMrAccess(access);
    const mkey = this.hardware.createMkey({ ...request, iova: request.iova ?? start });
    const umem = new UmemOdp(this.kernel, mm, mkey, start, length);
    umem.notifier = mm.notifiers.insertInterval(umem.firstAddress, mkey.pages * PAGE_SIZE, {
      name: this.name,
      invalidate: (range, seq) => {
        this.invalidate(umem, range, seq);
      },
    });
    this.regions.set(mkey, umem);
    yield* this.snapshot(umem);
    return umem;
  }

  *deregMr(region: MemoryRegion): Task {
    const umem = this.umemOf(region.mkey);
    this.regions.delete(region.mkey);
    yield* this.hardware.destroyMkey(umem.mkey);
    yield* umem.mm.notifiers.removeInterval(umem.notifier);
    this.release(umem, 0, umem.mkey.pages);
  }

  *pageFault(fault: PageFault): Task {
    this.stats.faults++;
    const umem = this.regions.get(fault.mkey);
    const write = fault.write ? HMM_PFN_WRITE : 0;
    const result =
      umem === undefined ? 'EFAULT' : yield* this.mapPages(umem, fault.firstPage, fault.pages, HMM_PFN_VALID | write);
    this.hardware.resume(fault, result === 0 ? 'retry' : 'error');
  }

  /** mlx5_ib_init_odp_mr: what the CPU has mapped already needs no fault later. */
  private *snapshot(umem: UmemOdp): Task {
    for (let first = 0; first < umem.mkey.pages; first += SNAPSHOT_PAGES) {
      const pages = Math.min(SNAPSHOT_PAGES, umem.mkey.pages - first);
      const start = pageOf(umem.start) + first;
      if (umem.mm.pageTable.hasLeafIn(start, start + pages)) yield* this.mapPages(umem, first, pages, 0);
    }
  }

  /** ib_umem_odp_map_dma_and_lock: asks HMM until no invalidation came in between, then tells the device. */
  private *mapPages(umem: UmemOdp, first: number, pages: number, request: number): Task<HmmResult> {
    const { mm, notifier, mutex } = umem;
    const entries = new Int32Array(pages);
    const start = umem.firstAddress + first * PAGE_SIZE;
    const deadline = this.kernel.simulation.now + HMM_RANGE_DEFAULT_TIMEOUT;
    if (request !== 0) yield this.hardware.costs.fault(pages);
    for (;;) {
      if (!mm.alive) return 'EFAULT';
      const notifierSeq = yield* notifier.readBegin();
      yield mm.mmapLock.shared;
      const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start, entries, request });
      mm.mmapLock.releaseShared();
      if (result === 'EBUSY' && this.kernel.simulation.now < deadline) continue;
      if (result !== 0) return result;
      yield mutex;
      if (!notifier.readRetry(notifierSeq)) break;
      mutex.release();
    }
    entries.forEach((entry, i) => {
      umem.entries.set(first + i, entry);
    });
    yield* this.hardware.map(umem.mkey, first, entries.map(toMtt));
    mutex.release();
    return 0;
  }

  /** mlx5_ib_invalidate_range: zap, drain, hand over dirtiness, and only then let the kernel go on. */
  private invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    if (!range.blockable) range.refuse(this.name);
    else range.hold(this.name, this.quiesce(umem, range, seq));
  }

  private *quiesce(umem: UmemOdp, range: InvalidateRange, seq: number): Task {
    this.stats.invalidations++;
    yield umem.mutex;
    umem.notifier.setSeq(seq);
    const first = Math.max(0, Math.floor((range.start - umem.firstAddress) / PAGE_SIZE));
    const end = Math.min(umem.mkey.pages, Math.ceil((range.end - umem.firstAddress) / PAGE_SIZE));
    yield* this.hardware.unmap(umem.mkey, first, end - first);
    const released = this.release(umem, first, end);
    if (released > 0) yield this.hardware.costs.invalidate(released);
    umem.mutex.release();
  }

  /** ib_umem_odp_unmap_dma_pages: what the device may have written is dirty now. Returns the number of pages let go. */
  private release(umem: UmemOdp, first: number, end: number): number {
    const { memory } = this.kernel.mm;
    let released = 0;
    umem.entries.forEach(first, end, (page, entry) => {
      umem.entries.set(page, 0);
      if ((entry & HMM_PFN_VALID) === 0) return;
      if ((entry & HMM_PFN_WRITE) !== 0) this.kernel.mm.markDirty(memory.frames.folioOf(hmmFrame(entry)));
      released++;
    });
    return released;
  }

  private umemOf(mkey: Mkey): UmemOdp {
    const umem = this.regions.get(mkey);
    if (umem === undefined) throw new Errno('EINVAL', `dereg_mr: not a region of ${this.name}`);
    return umem;
  }
}

function toMtt(entry: number): number {
  return (entry & HMM_PFN_VALID) === 0 ? 0 : makeMtt(hmmFrame(entry), (entry & HMM_PFN_WRITE) !== 0);
}
