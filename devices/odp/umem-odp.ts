import { PAGE_SIZE, SparseInt32, pageAlignDown } from '../../src/base/index.js';
import { Lock } from '../../src/engine/index.js';
import type { KernelCore } from '../../src/kernel/index.js';
import { HMM_PFN_VALID, HMM_PFN_WRITE, hmmFrame, type MmStruct } from '../../src/mm/index.js';
import type { IntervalNotifier, InvalidateRange } from '../../notifiers/index.js';
import { makeMtt, type MemoryRegion, type Mkey } from '../contract/index.js';

/** struct ib_umem_odp: a region without pins. `mutex` (umem_mutex) protects `entries` and the device's translations. */
export class UmemOdp implements MemoryRegion {
  readonly mutex: Lock;
  /** HMM entries of the pages that the device has, 0 for the others. */
  readonly entries: SparseInt32;
  notifier!: IntervalNotifier;
  /** True once its key was destroyed: nothing may be done with that any more. */
  destroyed = false;

  constructor(
    private readonly kernel: KernelCore,
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

  /** The pages of the region that a range touches: [first, end). */
  pagesOf(range: InvalidateRange): readonly [first: number, end: number] {
    return [
      Math.max(0, Math.floor((range.start - this.firstAddress) / PAGE_SIZE)),
      Math.min(this.mkey.pages, Math.ceil((range.end - this.firstAddress) / PAGE_SIZE)),
    ];
  }

  /** Notes what HMM said of the pages from `first` on. */
  keep(first: number, entries: Int32Array): void {
    entries.forEach((entry, i) => {
      this.entries.set(first + i, entry);
    });
  }

  /** ib_umem_odp_unmap_dma_pages: what the device may have written is dirty now. Returns the number of pages let go. */
  release(first: number, end: number): number {
    const { mm } = this.kernel;
    return this.forget(first, end, (frame, writable) => {
      if (writable) mm.markDirty(mm.memory.frames.folioOf(frame));
    });
  }

  /** Forgets pages, each of which is told to `last` before. Returns their number. */
  forget(first: number, end: number, last: (frame: number, writable: boolean) => void): number {
    let count = 0;
    this.entries.forEach(first, end, (page, entry) => {
      this.entries.set(page, 0);
      if ((entry & HMM_PFN_VALID) === 0) return;
      last(hmmFrame(entry), (entry & HMM_PFN_WRITE) !== 0);
      count++;
    });
    return count;
  }
}

/** What the device is told of a page that HMM has looked at. */
export function toMtt(entry: number): number {
  return (entry & HMM_PFN_VALID) === 0 ? 0 : makeMtt(hmmFrame(entry), (entry & HMM_PFN_WRITE) !== 0);
}
