import { Errno, PAGE_SIZE, pageAlignDown, pageAlignUp } from '../../src/base/index.js';
import { Lock, MS, type Task } from '../../src/engine/index.js';
import {
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  hmmFrame,
  hmmRangeFault,
  type HmmResult,
  type MmStruct,
} from '../../src/mm/index.js';
import type { IntervalNotifier, InvalidateRange } from '../../notifiers/index.js';
import type { DeviceWatcher } from '../contract/index.js';

/** HMM_RANGE_DEFAULT_TIMEOUT: how long a fault is tried again while invalidations get in its way. */
const HMM_RANGE_DEFAULT_TIMEOUT = 1000 * MS;

/** RXE_PAGEFAULT_*: what a fault may do to the CPU's page tables. */
export type FaultMode = 'write' | 'read' | 'snapshot';

/** struct ib_umem_odp: the pages of a region that the device knows, under `mutex` (umem_mutex). */
export class UmemOdp {
  readonly mutex: Lock;
  /** First address, page-aligned, and the first behind the region. */
  readonly start: number;
  readonly end: number;
  private readonly notifier: IntervalNotifier;
  /** pfn_list: what HMM said of each page, 0 for one that the device does not have. */
  private readonly pfns: Int32Array;

  constructor(
    private readonly mm: MmStruct,
    start: number,
    length: number,
    private readonly writable: boolean,
    private readonly watchers: readonly DeviceWatcher[],
  ) {
    this.start = pageAlignDown(start);
    this.end = pageAlignUp(start + length);
    this.mutex = new Lock(mm.system.simulation, 'umem_mutex');
    this.pfns = new Int32Array((this.end - this.start) / PAGE_SIZE);
    this.notifier = mm.notifiers.insertInterval(this.start, this.end - this.start, {
      name: 'rxe',
      invalidate: (range, seq) => {
        this.invalidate(range, seq);
      },
    });
    this.trace('mr_registered', this.start, this.end);
  }

  /**
   * rxe_odp_map_range_and_lock: returns with `mutex` held and every page of the range usable, after a fault if one was
   * not.
   * @throws Errno EFAULT, EPERM, ENOMEM: without the mutex
   */
  *mapAndLock(address: number, length: number, write: boolean): Task {
    yield this.mutex;
    if (this.has(address, length, write)) return;
    this.mutex.release();
    yield* this.faultAndLock(address, length, write ? 'write' : 'read');
    if (this.has(address, length, write)) return;
    this.mutex.release();
    throw new Errno('EFAULT', 'the page does not allow what the device wants');
  }

  /** Every page of [from, to) that the device has: its address, its frame, and whether the device may write it. */
  forEachPage(from: number, to: number, visit: (address: number, frame: number, writable: boolean) => void): void {
    const end = Math.min(this.pfns.length, Math.ceil((to - this.start) / PAGE_SIZE));
    for (let i = Math.max(0, this.index(from)); i < end; i++) {
      const pfn = this.pfns[i];
      if (pfn !== 0) visit(this.start + i * PAGE_SIZE, hmmFrame(pfn), (pfn & HMM_PFN_WRITE) !== 0);
    }
  }

  /** The frame of a page that is mapped. The caller holds `mutex`. */
  frameOf(address: number): number {
    return hmmFrame(this.pfns[this.index(address)]);
  }

  /**
   * ib_umem_odp_map_dma_and_lock: asks HMM until no invalidation came in between. Returns with `mutex` held.
   * @throws Errno EFAULT, EPERM, ENOMEM, EBUSY
   */
  *faultAndLock(address: number, length: number, mode: FaultMode): Task {
    const start = pageAlignDown(address);
    const end = pageAlignUp(address + length);
    const snapshot = mode === 'snapshot';
    const write = mode === 'write' && this.writable;
    this.trace(snapshot ? 'odp_snapshot_start' : 'odp_fault_start', start, end, write);
    let retries = 0;
    let result: HmmResult = 'EFAULT';
    // What came out before a page that failed stays in the list: HMM writes to it directly.
    const pfns = new Int32Array((end - start) / PAGE_SIZE);
    if (start >= this.start && end <= this.end) {
      const request = snapshot ? 0 : HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0);
      const deadline = this.mm.system.simulation.now + HMM_RANGE_DEFAULT_TIMEOUT;
      for (;;) {
        result = yield* this.askOnce(start, pfns, request);
        if (result !== 'EBUSY' || this.mm.system.simulation.now > deadline) break;
        retries++;
      }
      const first = this.index(start);
      for (let i = 0; i < pfns.length && (result === 0 || (pfns[i] & HMM_PFN_VALID) !== 0); i++) {
        this.set(first + i, (pfns[i] & HMM_PFN_VALID) === 0 ? 0 : pfns[i]);
      }
    }
    const ret = result === 0 ? pfns.length : new Errno(result, '').value;
    const { trace } = this.mm.system.simulation;
    if (trace.on) trace.emit({ kind: snapshot ? 'odp_snapshot' : 'odp_fault', mm: this.mm.id, ret, retries });
    if (result !== 0) throw new Errno(result, 'page fault of the device');
  }

  /** ib_umem_odp_release. */
  *release(): Task {
    yield this.mutex;
    this.unmap(this.start, this.end);
    this.mutex.release();
    yield* this.mm.notifiers.removeInterval(this.notifier);
    this.trace('mr_removed', this.start, this.end);
  }

  /** One round; with the mutex held if it returns 0. EBUSY if an invalidation came in between. */
  private *askOnce(start: number, entries: Int32Array, request: number): Task<HmmResult> {
    const { mm, notifier } = this;
    if (!mm.alive) return 'EFAULT';
    entries.fill(0);
    const notifierSeq = yield* notifier.readBegin();
    yield mm.mmapLock.shared;
    const result = yield* hmmRangeFault({ mm, notifier, notifierSeq, start, entries, request });
    mm.mmapLock.releaseShared();
    if (result !== 0) return result;
    yield this.mutex;
    if (!notifier.readRetry(notifierSeq)) return 0;
    this.mutex.release();
    return 'EBUSY';
  }

  /** rxe_check_pagefault, the other way round. */
  private has(address: number, length: number, write: boolean): boolean {
    const needed = HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0);
    const last = this.index(address + length - 1);
    for (let i = this.index(address); i <= last; i++) {
      if ((this.pfns[i] & needed) !== needed) return false;
    }
    return true;
  }

  /** rxe_ib_invalidate_range: drops what lies in the range, whatever the event. */
  private invalidate(range: InvalidateRange, seq: number): void {
    if (!range.blockable) range.refuse('rxe');
    else if (this.mutex.tryAcquire()) this.drop(range, seq);
    else range.hold('rxe', this.dropLater(range, seq));
  }

  private *dropLater(range: InvalidateRange, seq: number): Task {
    yield this.mutex;
    this.drop(range, seq);
  }

  private drop(range: InvalidateRange, seq: number): void {
    this.notifier.setSeq(seq);
    this.unmap(Math.max(this.start, range.start), Math.min(this.end, range.end));
    this.mutex.release();
  }

  /**
   * ib_umem_odp_unmap_dma_pages. The caller holds `mutex`. Only what was mapped for DMA is marked dirty there, and rxe maps
   * nothing for DMA: what it writes is dirty only where a write fault of its own made the entry so.
   */
  private unmap(from: number, to: number): void {
    this.trace('nic_unmap', from, to);
    if (this.watchers.length === 0) this.pfns.fill(0, this.index(from), this.index(to));
    else for (let i = this.index(from); i < this.index(to); i++) this.set(i, 0);
  }

  private set(index: number, now: number): void {
    const was = this.pfns[index];
    this.pfns[index] = now;
    const address = this.start + index * PAGE_SIZE;
    for (const watcher of this.watchers) {
      if (was !== 0) watcher.removed(this.mm, address, hmmFrame(was), (was & HMM_PFN_WRITE) !== 0);
      if (now !== 0) watcher.installed(this.mm, address, hmmFrame(now), (now & HMM_PFN_WRITE) !== 0);
    }
  }

  private index(address: number): number {
    return Math.floor((address - this.start) / PAGE_SIZE);
  }

  private trace(kind: string, start: number, end: number, write?: boolean): void {
    const { trace } = this.mm.system.simulation;
    if (!trace.on) return;
    trace.emit({ kind, mm: this.mm.id, start, end, ...(write === undefined ? {} : { write }) });
  }
}
