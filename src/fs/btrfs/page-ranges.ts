import type { PageRange } from '../writeback.js';

/** A set of pages, kept as disjoint ranges in order that do not touch each other. */
export class PageRanges {
  private ranges: PageRange[] = [];

  get empty(): boolean {
    return this.ranges.length === 0;
  }

  has(page: number): boolean {
    const range = this.from(page);
    return range !== null && range.first === page;
  }

  /** The part at or behind `page` of the first range that reaches there; null if none does. */
  from(page: number): PageRange | null {
    const at = this.firstEndingAfter(page);
    if (at === this.ranges.length) return null;
    const { first, end } = this.ranges[at];
    return { first: Math.max(first, page), end };
  }

  add(range: PageRange): void {
    if (range.end <= range.first) return;
    const at = this.firstEndingAfter(range.first - 1);
    let { first, end } = range;
    let to = at;
    for (; to < this.ranges.length && this.ranges[to].first <= end; to++) {
      first = Math.min(first, this.ranges[to].first);
      end = Math.max(end, this.ranges[to].end);
    }
    this.ranges.splice(at, to - at, { first, end });
  }

  /** @returns how many pages were in the set and are not any more */
  remove({ first, end }: PageRange): number {
    const at = this.firstEndingAfter(first);
    const kept: PageRange[] = [];
    let removed = 0;
    let to = at;
    for (; to < this.ranges.length && this.ranges[to].first < end; to++) {
      const range = this.ranges[to];
      if (range.first < first) kept.push({ first: range.first, end: first });
      if (range.end > end) kept.push({ first: end, end: range.end });
      removed += Math.min(end, range.end) - Math.max(first, range.first);
    }
    this.ranges.splice(at, to - at, ...kept);
    return removed;
  }

  clear(): void {
    this.ranges = [];
  }

  /** Index of the first range that ends behind a page. */
  private firstEndingAfter(page: number): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.ranges[middle].end > page) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
