import {
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  Lock,
  PAGE_SIZE,
  hmmFrame,
  pageAlignDown,
  setPageDirty,
  type IntervalNotifier,
  type InvalidateRange,
  type MemoryRegion,
  type Mkey,
  type MmStruct,
  type RegMrRequest,
} from 'pinless';

/** A registered region: its key, and which pages the device has. */
export class MyRegion implements MemoryRegion {
  readonly mm: MmStruct;
  readonly start: number;
  readonly length: number;
  readonly firstAddress: number;
  /** What keeps faults, invalidations and deregistration apart: HMM's "driver lock". Nobody takes mmap_lock under it (R8). */
  readonly lock: Lock;
  notifier!: IntervalNotifier;
  /** The key is gone: nobody names it any more (R13). */
  destroyed = false;
  /** HMM entries of the pages that the device has; 0 for the others. */
  private readonly entries: Int32Array;

  constructor(
    { mm, start, length }: RegMrRequest,
    readonly mkey: Mkey,
  ) {
    this.mm = mm;
    this.start = start;
    this.length = length;
    this.firstAddress = pageAlignDown(start);
    this.lock = new Lock(mm.system.simulation, `rkey 0x${mkey.rkey.toString(16)}`);
    this.entries = new Int32Array(mkey.pages);
  }

  /** The pages of the region that a range touches. */
  pagesOf(range: InvalidateRange): [first: number, end: number] {
    return [
      Math.max(0, Math.floor((range.start - this.firstAddress) / PAGE_SIZE)),
      Math.min(this.mkey.pages, Math.ceil((range.end - this.firstAddress) / PAGE_SIZE)),
    ];
  }

  /** The device gets these pages. */
  keep(first: number, entries: Int32Array): void {
    this.entries.set(entries, first);
  }

  /** The device has let go of pages. R5: what it may have written is dirty now. @returns how many there were */
  release(first: number, end: number): number {
    const gone = this.entries.slice(first, end).filter((entry) => (entry & HMM_PFN_VALID) !== 0);
    for (const entry of gone) if ((entry & HMM_PFN_WRITE) !== 0) setPageDirty(this.mm, hmmFrame(entry));
    this.entries.fill(0, first, end);
    return gone.length;
  }
}
