/** A range of virtual addresses, `end` exclusive. */
export interface VaRange {
  readonly start: bigint;
  readonly end: bigint;
}

const PAGE_BYTES = 4096n;

/** More disjoint ranges than this are joined over the smallest gaps between them. */
const MAX_RANGES = 65_536;
const MAX_PENDING = 4096;
/** Shared by all sets that were never merged: a capture of NVMe has one for each command. */
const NONE: readonly number[] = [];

/**
 * A set of 4 KiB pages, kept as sorted disjoint ranges of page numbers. A page number of a 64-bit address has 52 bits and
 * is exact as a number. Additions collect and are merged in batches, so that pages touched in any order cost little.
 */
export class PageRanges {
  /** True when ranges were joined for want of room: some pages in between were not touched. */
  approximate = false;
  /** Start and end (exclusive) of each range in turn. */
  private merged: readonly number[] = NONE;
  private pending: number[] | undefined = undefined;
  private runStart = 0;
  private runEnd = 0;

  /** Adds pages `first` to `last`, both included. */
  add(first: number, last: number): void {
    if (first <= this.runEnd && last + 1 >= this.runStart && this.runEnd > this.runStart) {
      if (first < this.runStart) this.runStart = first;
      if (last >= this.runEnd) this.runEnd = last + 1;
      return;
    }
    this.endRun();
    this.runStart = first;
    this.runEnd = last + 1;
  }

  /** The ranges in ascending order, as page-aligned addresses. */
  toVaRanges(): VaRange[] {
    this.endRun();
    this.merge();
    const ranges: VaRange[] = [];
    for (let i = 0; i < this.merged.length; i += 2) {
      ranges.push({ start: addressOf(this.merged[i]), end: addressOf(this.merged[i + 1]) });
    }
    return ranges;
  }

  private endRun(): void {
    if (this.runEnd === this.runStart) return;
    this.pending ??= [];
    this.pending.push(this.runStart, this.runEnd);
    this.runStart = this.runEnd = 0;
    if (this.pending.length >= 2 * MAX_PENDING) this.merge();
  }

  private merge(): void {
    if (this.pending === undefined) return;
    const added = pairs(this.pending).sort((a, b) => a[0] - b[0]);
    this.pending = undefined;
    const old = this.merged;
    const merged: number[] = [];
    let i = 0;
    let k = 0;
    while (i < old.length || k < added.length) {
      const takeOld = k >= added.length || (i < old.length && old[i] <= added[k][0]);
      const start = takeOld ? old[i] : added[k][0];
      const end = takeOld ? old[i + 1] : added[k][1];
      if (takeOld) i += 2;
      else k++;
      if (merged.length > 0 && start <= merged.at(-1)!) merged[merged.length - 1] = Math.max(merged.at(-1)!, end);
      else merged.push(start, end);
    }
    this.merged = merged.length > 2 * MAX_RANGES ? this.coarsen(merged) : merged;
  }

  /** Halves the number of ranges by closing the smallest gaps. */
  private coarsen(ranges: readonly number[]): number[] {
    this.approximate = true;
    const gaps: number[] = [];
    for (let i = 2; i < ranges.length; i += 2) gaps.push(ranges[i] - ranges[i - 1]);
    const threshold = Float64Array.from(gaps).sort()[Math.floor(gaps.length - MAX_RANGES / 2)];
    const joined = [ranges[0], ranges[1]];
    for (let i = 2; i < ranges.length; i += 2) {
      if (ranges[i] - joined.at(-1)! <= threshold) joined[joined.length - 1] = ranges[i + 1]!;
      else joined.push(ranges[i], ranges[i + 1]);
    }
    return joined;
  }
}

function pairs(flat: readonly number[]): (readonly [number, number])[] {
  return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]] as const);
}

function addressOf(page: number): bigint {
  return BigInt(page) * PAGE_BYTES;
}
