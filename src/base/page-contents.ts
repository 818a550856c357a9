import { LEAF_MASK, LEAF_SHIFT, PAGE_SIZE, PTRS_PER_PTE } from './page.js';
import { StampRuns } from './stamp-runs.js';

/** The stamp of bytes that nobody has written: a fresh page is zeros. */
export const UNWRITTEN = 0;

/** In the table of stamps: this page has several, look at its runs. */
const MIXED = -1;

const NO_BYTES = new Uint8Array(0);

/**
 * Writes under way that nobody needs to hear of: they are applied when somebody looks, as of their own time. Bus masters
 * with long bursts are such sources.
 */
export interface LatentWrites {
  /** Time of the oldest write that is due by now; Infinity if none is. */
  dueAt(): number;
  /** Applies it, through `writeLater` or not at all. */
  applyOldest(): void;
}

/** A copy that has been put off. */
interface OwedCopy {
  source: Uint8Array;
  sourceOffset: number;
  slab: Uint8Array;
  at: number;
  length: number;
}

/** Told of a run of bytes [start, end) that come from one write. */
type RunVisitor = (start: number, end: number, stamp: number) => void;

/**
 * What numbered pages hold: of each byte, which write it comes from (a stamp), and, if asked for, the byte itself.
 *
 * Memory, disks and the record of what was acknowledged all use it, so that "is this what was written" has one meaning:
 * the stamp. Stamps cost nothing for pages never written, 4 bytes for a page written as a whole; bytes live in slabs
 * of 2 MiB made at the first write.
 */
export class PageContents {
  private readonly stamps: (Int32Array | undefined)[] = [];
  private readonly runs = new Map<number, StampRuns>();
  private readonly slabs: (Uint8Array | undefined)[] = [];
  private readonly sources: LatentWrites[] = [];
  /** The copy that `writeLater` has put off; none if its length is 0. */
  private readonly owed: OwedCopy = { source: NO_BYTES, sourceOffset: 0, slab: NO_BYTES, at: 0, length: 0 };

  /** @param keepsBytes false keeps stamps only: writes take no data and reads give zeros */
  constructor(readonly keepsBytes: boolean) {}

  /** True if `read` gives what was written. */
  get tellsBytes(): boolean {
    return this.keepsBytes;
  }

  /**
   * Writes `length` bytes at `offset` of a page.
   * @param stamp identity of the write, 1 to 2^31-1
   * @param source bytes to write, from `sourceOffset` on; null writes zeros
   */
  write(
    page: number,
    offset: number,
    length: number,
    stamp: number,
    source: Uint8Array | null,
    sourceOffset = 0,
  ): void {
    this.settle();
    this.stampRange(page, offset, offset + length, stamp);
    if (!this.keepsBytes) return;
    const slab = this.slab(page);
    const at = slabOffset(page, offset);
    if (source === null) slab.fill(0, at, at + length);
    else copyBytes(source, sourceOffset, slab, at, length);
  }

  /**
   * As `write`, but the bytes may be fetched from `source` as late as the next `settle`: neighbouring pieces of one
   * buffer that go to neighbouring frames are then copied as one. Nobody can see the difference, as every access
   * settles first, provided that `source` does not change before.
   */
  writeLater(
    page: number,
    offset: number,
    length: number,
    stamp: number,
    source: Uint8Array,
    sourceOffset: number,
  ): void {
    this.stampRange(page, offset, offset + length, stamp);
    if (!this.keepsBytes) return;
    const slab = this.slab(page);
    const at = slabOffset(page, offset);
    const { owed } = this;
    if (owed.length > 0) {
      if (
        owed.source === source &&
        owed.sourceOffset + owed.length === sourceOffset &&
        owed.slab === slab &&
        owed.at + owed.length === at
      ) {
        owed.length += length;
        return;
      }
      this.payOwed();
    }
    owed.source = source;
    owed.sourceOffset = sourceOffset;
    owed.slab = slab;
    owed.at = at;
    owed.length = length;
  }

  /** Asks `source` from now on, before anybody sees a page. */
  addSource(source: LatentWrites): void {
    this.sources.push(source);
  }

  /** Brings everything up to now: the writes that are due, in the order of their times, and the copies put off. */
  settle(): void {
    const { sources } = this;
    for (;;) {
      let next: LatentWrites | null = null;
      let earliest = Infinity;
      for (let i = 0; i < sources.length; i++) {
        const due = sources[i].dueAt();
        if (due < earliest) {
          earliest = due;
          next = sources[i];
        }
      }
      if (next === null) break;
      next.applyOldest();
    }
    this.payOwed();
  }

  /** pages_identical with the zero page: every byte of the page is 0. Without bytes: nobody wrote to it. */
  isZero(page: number): boolean {
    this.settle();
    if (this.uniformStamp(page) === UNWRITTEN) return true;
    if (!this.keepsBytes) return false;
    const slab = this.slabs[page >>> LEAF_SHIFT];
    if (slab === undefined) return true;
    const at = slabOffset(page, 0);
    for (let i = at; i < at + PAGE_SIZE; i++) if (slab[i] !== 0) return false;
    return true;
  }

  /** Copies [offset, offset + length) of a page of `from`, bytes and stamps. */
  copy(from: PageContents, fromPage: number, toPage: number, offset = 0, length = PAGE_SIZE): void {
    this.settle();
    from.settle();
    const runs = from.runs.get(fromPage);
    if (runs === undefined) this.stampRange(toPage, offset, offset + length, from.uniformStamp(fromPage));
    else
      runs.forEach(offset, offset + length, (start, end, stamp) => {
        this.stampRange(toPage, start, end, stamp);
      });
    if (!this.keepsBytes) return;
    const source = from.slabs[fromPage >>> LEAF_SHIFT];
    const at = slabOffset(toPage, offset);
    if (source === undefined) {
      this.slabs[toPage >>> LEAF_SHIFT]?.fill(0, at, at + length);
      return;
    }
    copyBytes(source, slabOffset(fromPage, offset), this.slab(toPage), at, length);
  }

  /** Makes a page zeros that nobody has written. */
  clear(page: number, offset = 0, length = PAGE_SIZE): void {
    this.settle();
    const slab = this.slabs[page >>> LEAF_SHIFT];
    const blank = this.uniformStamp(page) === UNWRITTEN;
    if (!blank) this.stampRange(page, offset, offset + length, UNWRITTEN);
    if (slab !== undefined && !blank) {
      const at = slabOffset(page, offset);
      slab.fill(0, at, at + length);
    }
  }

  /** Copies bytes out; zeros if only stamps are kept. */
  read(page: number, offset: number, target: Uint8Array, targetOffset: number, length: number): void {
    this.settle();
    const slab = this.slabs[page >>> LEAF_SHIFT];
    if (slab === undefined) target.fill(0, targetOffset, targetOffset + length);
    else copyBytes(slab, slabOffset(page, offset), target, targetOffset, length);
  }

  stampAt(page: number, offset: number): number {
    this.settle();
    const stamp = this.uniformStamp(page);
    return stamp === MIXED ? (this.runs.get(page)?.at(offset) ?? UNWRITTEN) : stamp;
  }

  /** Calls `visit` for the runs of equal stamp in [from, to) of a page, in order. */
  forEachRun(page: number, from: number, to: number, visit: RunVisitor): void {
    this.settle();
    const runs = this.runs.get(page);
    if (runs === undefined) visit(from, to, this.uniformStamp(page));
    else runs.forEach(from, to, visit);
  }

  /** A 32-bit hash of which write each byte comes from: what a file system's data checksum stands for here. */
  checksum(page: number): number {
    let hash = 0x811c9dc5;
    this.forEachRun(page, 0, PAGE_SIZE, (start, end, stamp) => {
      hash = Math.imul(hash ^ start, 0x01000193);
      hash = Math.imul(hash ^ end, 0x01000193);
      hash = Math.imul(hash ^ stamp, 0x85ebca6b);
      hash ^= hash >>> 13;
    });
    return hash | 0;
  }

  /** Pages with at least one written byte, in order. */
  writtenPages(): number[] {
    this.settle();
    const pages: number[] = [];
    this.stamps.forEach((chunk, index) => {
      chunk?.forEach((stamp, i) => {
        if (stamp !== UNWRITTEN) pages.push((index << LEAF_SHIFT) + i);
      });
    });
    return pages;
  }

  private payOwed(): void {
    const { owed } = this;
    if (owed.length === 0) return;
    copyBytes(owed.source, owed.sourceOffset, owed.slab, owed.at, owed.length);
    owed.length = 0;
    owed.source = NO_BYTES;
  }

  private uniformStamp(page: number): number {
    const chunk = this.stamps[page >>> LEAF_SHIFT];
    return chunk === undefined ? UNWRITTEN : chunk[page & LEAF_MASK];
  }

  private stampRange(page: number, from: number, to: number, stamp: number): void {
    const index = page >>> LEAF_SHIFT;
    const chunk = (this.stamps[index] ??= new Int32Array(PTRS_PER_PTE));
    const slot = page & LEAF_MASK;
    const before = chunk[slot];
    if (from === 0 && to === PAGE_SIZE) {
      chunk[slot] = stamp;
      if (before === MIXED) this.runs.delete(page);
      return;
    }
    if (before === stamp) return;
    let runs = this.runs.get(page);
    if (runs === undefined) {
      runs = new StampRuns(PAGE_SIZE, before);
      this.runs.set(page, runs);
    }
    runs.set(from, to, stamp);
    if (runs.uniform) {
      this.runs.delete(page);
      chunk[slot] = runs.at(0);
    } else {
      chunk[slot] = MIXED;
    }
  }

  private slab(page: number): Uint8Array {
    return (this.slabs[page >>> LEAF_SHIFT] ??= new Uint8Array(PTRS_PER_PTE * PAGE_SIZE));
  }
}

function slabOffset(page: number, offset: number): number {
  return (page & LEAF_MASK) * PAGE_SIZE + offset;
}

/** TypedArray.set of a subarray beats a byte loop from about a cache line on. */
function copyBytes(from: Uint8Array, fromOffset: number, to: Uint8Array, toOffset: number, length: number): void {
  to.set(from.subarray(fromOffset, fromOffset + length), toOffset);
}
