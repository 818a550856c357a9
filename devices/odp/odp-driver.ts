import { Errno, PAGE_SIZE, hex, isErrno, pageOf } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import type { KernelCore } from '../../src/kernel/index.js';
import { HMM_PFN_VALID, HMM_PFN_WRITE, hmmRangeFault, type HmmResult } from '../../src/mm/index.js';
import type { InvalidateRange } from '../../notifiers/index.js';
import {
  checkRegMr,
  isWritable,
  type AdviseMrAdvice,
  type AdviseMrRequest,
  type AdviseMrSge,
  type DeviceDriver,
  type Hardware,
  type MemoryRegion,
  type Mkey,
  type PageFault,
  type RegMrRequest,
} from '../contract/index.js';
import { UmemOdp, toMtt } from './umem-odp.js';

/** HMM_RANGE_DEFAULT_TIMEOUT: how long a fault is tried again while invalidations get in its way. */
const HMM_RANGE_DEFAULT_TIMEOUT = 1000 * MS;

/** Pages of a region that somebody wants to have. */
interface PrefetchRange {
  readonly umem: UmemOdp;
  readonly first: number;
  readonly pages: number;
  /** For messages. */
  readonly what: string;
}

/** Pages of a region that are looked at in one go at registration. */
const SNAPSHOT_PAGES = 4096;

/**
 * On-demand paging, after drivers/infiniband/core/umem_odp.c and mlx5's odp.c: no pages are held. What such a driver
 * owes the kernel and its device, in order, and who pays it here:
 *
 *     a fault      1  read_begin, before a page table is looked at                                  mapPages
 *                  2  the pages, from the kernel (HMM): never more rights than the CPU has          mapPages
 *                  3  its own lock, then read_retry: an invalidation came in between? over again    mapPages
 *                  4  the translations, under that lock, before another invalidation gets it        mapPages
 *                  5  an end, however many invalidations come: a time limit, then an error          mapPages
 *                  6  hardware.resume, whatever came of it                                          pageFault
 *     invalidation 1  one that may not block is refused, as zapping sleeps                          invalidate
 *                  2  the range is held from the callback on until all of this is done              invalidate
 *                  3  set_seq under its own lock, whatever is mapped                                quiesce
 *                  4  the translations zapped, and DMA in flight drained                            quiesce
 *                  5  what the device may have written, dirty before the kernel goes on             quiesce
 *                  6  lock and range released                                                       quiesce
 *     the end      1  the key revoked and drained, then the pages, then no callback any more        deregMr
 *                  2  all under its own lock: who waits for that finds the key gone, and lets it be mapPages, quiesce
 *
 * The steps that drivers have got wrong are methods of their own: devices/faulty overrides them one by one.
 */
export class OdpDriver implements DeviceDriver {
  readonly name: string = 'odp';
  readonly stats = { faults: 0, invalidations: 0 };

  protected readonly regions = new Map<Mkey, UmemOdp>();

  constructor(
    protected readonly hardware: Hardware,
    protected readonly kernel: KernelCore,
  ) {}

  *pageFault(fault: PageFault): Task {
    this.stats.faults++;
    const umem = this.regions.get(fault.mkey);
    const request = HMM_PFN_VALID | (fault.write ? HMM_PFN_WRITE : 0);
    const result = umem === undefined ? 'EFAULT' : yield* this.mapPages(umem, fault.firstPage, fault.pages, request);
    this.hardware.resume(fault, result === 0 ? 'retry' : 'error');
  }

  /** mlx5_ib_advise_mr_prefetch: all keys are looked at before anything is done. */
  *adviseMr({ advice, flush, sgList }: AdviseMrRequest): Task {
    if (sgList.length === 0) throw new Errno('EINVAL', 'advise_mr without any sge');
    const ranges = sgList.map((sge) => this.rangeOf(sge, advice === 'PREFETCH_WRITE'));
    const work = this.prefetch(ranges, advice);
    if (flush) yield* work;
    else this.kernel.simulation.spawn(`prefetch of ${this.name}`, ignoringErrors(work), { daemon: true });
  }

  /** The pages of a registered region that an sge names. */
  private rangeOf({ lkey, address, length }: AdviseMrSge, write: boolean): PrefetchRange {
    const what = `advise_mr of ${String(length)} bytes at ${hex(address)} of lkey 0x${lkey.toString(16)}`;
    const umem = [...this.regions.values()].find(({ mkey }) => mkey.rkey === lkey);
    if (umem === undefined) throw new Errno('ENOENT', what);
    const { iova, access, length: end } = umem.mkey;
    if (write && !isWritable(access)) throw new Errno('EPERM', what);
    if (address < iova || !(length > 0) || address + length > iova + end) throw new Errno('EFAULT', what);
    const first = pageOf(address) - pageOf(iova);
    return { umem, first, pages: pageOf(address + length - 1) - pageOf(address) + 1, what };
  }

  private *prefetch(ranges: readonly PrefetchRange[], advice: AdviseMrAdvice): Task {
    const request = { PREFETCH: HMM_PFN_VALID, PREFETCH_WRITE: HMM_PFN_VALID | HMM_PFN_WRITE, PREFETCH_NO_FAULT: 0 };
    for (const { umem, first, pages, what } of ranges) {
      const result = yield* this.mapPages(umem, first, pages, request[advice], advice === 'PREFETCH');
      if (result !== 0) throw new Errno(result, what);
    }
  }

  /**
   * ib_umem_odp_map_dma_and_lock: asks HMM until no invalidation came in between, then tells the device.
   * @param downgrade MLX5_PF_FLAGS_DOWNGRADE: the device may only read, whatever the CPU may
   */
  private *mapPages(umem: UmemOdp, first: number, pages: number, request: number, downgrade = false): Task<HmmResult> {
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
      // Memory may come free, and an invalidation may pass: both are tried again.
      if (result !== 0 && result !== 'EBUSY' && result !== 'ENOMEM') return result;
      if (result === 0) {
        yield mutex;
        if (this.isCurrent(umem, notifierSeq)) break;
        mutex.release();
      }
      if (this.kernel.simulation.now >= deadline) return result === 0 ? 'EBUSY' : result;
    }
    const gone = this.isGone(umem);
    if (!gone) {
      umem.keep(first, entries);
      yield* this.hardware.map(
        umem.mkey,
        first,
        entries.map((entry) => this.toMtt(downgrade ? entry & ~HMM_PFN_WRITE : entry)),
      );
    }
    mutex.release();
    return gone ? 'EFAULT' : 0;
  }

  /** Whether what was read under `notifierSeq` still holds. The caller has the lock. */
  protected isCurrent({ notifier }: UmemOdp, notifierSeq: number): boolean {
    return !notifier.readRetry(notifierSeq);
  }

  /** Whether the region was deregistered meanwhile. The caller has the lock. */
  protected isGone({ destroyed }: UmemOdp): boolean {
    return destroyed;
  }

  /** What the device is told of a page that HMM has looked at. */
  protected toMtt(entry: number): number {
    return toMtt(entry);
  }

  /** mlx5_ib_invalidate_range. */
  protected invalidate(umem: UmemOdp, range: InvalidateRange, seq: number): void {
    if (!range.blockable) range.refuse(this.name);
    else range.hold(this.name, this.quiesce(umem, range, seq));
  }

  protected *quiesce(umem: UmemOdp, range: InvalidateRange, seq: number): Task {
    this.stats.invalidations++;
    yield umem.mutex;
    umem.notifier.setSeq(seq);
    const [first, end] = umem.pagesOf(range);
    if (!this.isGone(umem)) yield* this.zap(umem, first, end);
    const released = this.letGo(umem, first, end);
    if (released > 0) yield this.hardware.costs.invalidate(released);
    umem.mutex.release();
  }

  /** Takes pages from the device; returns when no access to them can land. */
  protected *zap({ mkey }: UmemOdp, first: number, end: number): Task {
    yield* this.hardware.unmap(mkey, first, end - first);
  }

  /** Forgets pages, and has what the device may have written dirty. Returns their number. */
  protected letGo(umem: UmemOdp, first: number, end: number): number {
    return umem.release(first, end);
  }

  *regMr(request: RegMrRequest): Task<MemoryRegion> {
    checkRegMr(request);
    const { mm, start, length } = request;
    // No page is pinned, whatever the length: the fixed part of a registration is all that there is to pay.
    yield this.hardware.costs.register(0);
    const mkey = this.hardware.createMkey({ ...request, iova: this.iovaOf(request) });
    const umem = new UmemOdp(this.kernel, mm, mkey, start, length);
    try {
      umem.notifier = mm.notifiers.insertInterval(umem.firstAddress, mkey.pages * PAGE_SIZE, {
        name: this.name,
        invalidate: (range, seq) => {
          this.invalidate(umem, range, seq);
        },
      });
    } catch (error) {
      yield* this.hardware.destroyMkey(mkey);
      throw error;
    }
    this.regions.set(mkey, umem);
    yield* this.snapshot(umem);
    return umem;
  }

  *deregMr(region: MemoryRegion): Task {
    const umem = this.regions.get(region.mkey);
    if (umem === undefined) throw new Errno('EINVAL', `dereg_mr: not a region of ${this.name}`);
    this.regions.delete(region.mkey);
    // While the callback is still called: once it is not, the pages may be somebody else's before they are let go.
    yield* this.destroy(umem);
    yield this.hardware.costs.deregister(0);
    yield* this.unsubscribe(umem);
  }

  /** When this has returned, no callback runs any more. */
  protected *unsubscribe({ mm, notifier }: UmemOdp): Task {
    yield* mm.notifiers.removeInterval(notifier);
  }

  /** Revokes the key, and forgets all pages. */
  protected *destroy(umem: UmemOdp): Task {
    yield umem.mutex;
    umem.destroyed = true;
    yield* this.hardware.destroyMkey(umem.mkey);
    umem.release(0, umem.mkey.pages);
    umem.mutex.release();
  }

  /** Where the region begins, as remote requests name it: in its page as the memory does in its own. */
  protected iovaOf({ start, iova = start }: RegMrRequest): number {
    return iova;
  }

  /** mlx5_ib_init_odp_mr: what the CPU has mapped already needs no fault later. */
  private *snapshot(umem: UmemOdp): Task {
    for (let first = 0; first < umem.mkey.pages; first += SNAPSHOT_PAGES) {
      const pages = Math.min(SNAPSHOT_PAGES, umem.mkey.pages - first);
      const start = pageOf(umem.start) + first;
      if (umem.mm.pageTable.isPopulatedIn(start, start + pages)) yield* this.mapPages(umem, first, pages, 0);
    }
  }
}

/** Nobody waits for it. */
function* ignoringErrors(work: Task): Task {
  try {
    yield* work;
  } catch (error) {
    if (!isErrno(error)) throw error;
  }
}
