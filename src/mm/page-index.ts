import { LEAF_MASK, LEAF_SHIFT, PTRS_PER_PTE } from '../base/index.js';

/** Marks of a cached page: Linux's xarray marks PAGECACHE_TAG_DIRTY, _WRITEBACK and _TOWRITE. */
export type PageMark = 'dirty' | 'writeback' | 'towrite';

/** Page numbers of a file are below this: they fit a column of the frame table. */
export const MAX_PGOFF = 2 ** 31 - 1;

export const PAGE_MARKS: readonly PageMark[] = ['dirty', 'writeback', 'towrite'];

/** One bit per page of a leaf, and how many are set: most leaves have none of a mark and are skipped at a glance. */
class MarkBits {
  set = 0;
  private readonly words = new Int32Array(PTRS_PER_PTE / 32);

  has(slot: number): boolean {
    return (this.words[slot >>> 5] & (1 << (slot & 31))) !== 0;
  }

  put(slot: number, on: boolean): void {
    if (this.has(slot) === on) return;
    this.words[slot >>> 5] ^= 1 << (slot & 31);
    this.set += on ? 1 : -1;
  }
}

/** 512 neighbouring pages: their frames and their marks. */
class Leaf {
  readonly frames = new Int32Array(PTRS_PER_PTE);
  used = 0;
  readonly marks: Readonly<Record<PageMark, MarkBits>> = {
    dirty: new MarkBits(),
    writeback: new MarkBits(),
    towrite: new MarkBits(),
  };
}

/**
 * The pages that a file has in memory, by page number: Linux's i_pages. Frame 0, the zero page, is never cached, so 0
 * means "not here". A large folio has its frames at all of its indices and its marks at the first.
 */
export class PageIndex {
  private readonly leaves: (Leaf | undefined)[] = [];
  private count = 0;

  /** Number of pages. */
  get size(): number {
    return this.count;
  }

  /** The frame that holds a page, 0 if none does. */
  get(index: number): number {
    return this.leaves[index >>> LEAF_SHIFT]?.frames[index & LEAF_MASK] ?? 0;
  }

  set(index: number, frame: number): void {
    const leaf = (this.leaves[index >>> LEAF_SHIFT] ??= new Leaf());
    if (leaf.frames[index & LEAF_MASK] === 0) {
      leaf.used++;
      this.count++;
    }
    leaf.frames[index & LEAF_MASK] = frame;
  }

  /** Removes a page and its marks. */
  delete(index: number): void {
    const leaf = this.leaves[index >>> LEAF_SHIFT];
    const slot = index & LEAF_MASK;
    if (leaf === undefined || leaf.frames[slot] === 0) return;
    leaf.frames[slot] = 0;
    for (const mark of PAGE_MARKS) leaf.marks[mark].put(slot, false);
    this.count--;
    if (--leaf.used === 0) this.leaves[index >>> LEAF_SHIFT] = undefined;
  }

  setMark(index: number, mark: PageMark): void {
    this.leaves[index >>> LEAF_SHIFT]?.marks[mark].put(index & LEAF_MASK, true);
  }

  clearMark(index: number, mark: PageMark): void {
    this.leaves[index >>> LEAF_SHIFT]?.marks[mark].put(index & LEAF_MASK, false);
  }

  hasMark(index: number, mark: PageMark): boolean {
    return this.leaves[index >>> LEAF_SHIFT]?.marks[mark].has(index & LEAF_MASK) ?? false;
  }

  /** True if any page has that mark. */
  anyMarked(mark: PageMark): boolean {
    return this.nextMarked(0, Infinity, mark) >= 0;
  }

  /** The first page in [from, to) that is here, -1 if there is none. */
  next(from: number, to: number): number {
    return this.scan(from, to, (leaf, slot) => leaf.frames[slot] !== 0);
  }

  /** The first page in [from, to) with that mark, -1 if there is none. */
  nextMarked(from: number, to: number, mark: PageMark): number {
    return this.scan(
      from,
      to,
      (leaf, slot) => leaf.marks[mark].has(slot),
      (leaf) => leaf.marks[mark].set > 0,
    );
  }

  private scan(
    from: number,
    to: number,
    accepts: (leaf: Leaf, slot: number) => boolean,
    worth: (leaf: Leaf) => boolean = () => true,
  ): number {
    const end = Math.min(to, this.leaves.length * PTRS_PER_PTE);
    for (let index = from; index < end;) {
      const leaf = this.leaves[index >>> LEAF_SHIFT];
      const leafEnd = Math.min(end, ((index >>> LEAF_SHIFT) + 1) * PTRS_PER_PTE);
      if (leaf !== undefined && worth(leaf)) {
        for (; index < leafEnd; index++) if (accepts(leaf, index & LEAF_MASK)) return index;
      }
      index = leafEnd;
    }
    return -1;
  }
}
