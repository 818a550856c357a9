import { LEAF_MASK, LEAF_SHIFT, PTRS_PER_PTE } from '../base/index.js';
import { PTE_NONE } from './pte.js';

/** Leaves per directory: a directory spans 1 GiB. */
const DIRECTORY_SHIFT = 9;
const DIRECTORY_MASK = (1 << DIRECTORY_SHIFT) - 1;
const PAGES_PER_DIRECTORY = 1 << (LEAF_SHIFT + DIRECTORY_SHIFT);

interface Directory {
  readonly leaves: (Int32Array | null)[];
  used: number;
}

/**
 * The page tables of one mm: a radix tree whose leaves are 512 entries, as the hardware has them.
 *
 * Pages are named by their number (address / 4096), up to 2^35. A leaf exists from the first fault in its 2 MiB until
 * the range is unmapped, whatever its entries hold meanwhile: Linux behaves differently where there is no leaf.
 */
export class PageTable {
  /** Directories by number; a Map because a process uses few, far apart. */
  private readonly directories = new Map<number, Directory>();
  private lastKey = -1;
  private lastDirectory: Directory | null = null;
  private lastLeafKey = -1;
  private lastLeaf: Int32Array | null = null;

  /** The entry of a page, PTE_NONE if there is none. */
  get(page: number): number {
    const key = Math.floor(page / PTRS_PER_PTE);
    let leaf = this.lastLeaf;
    if (key !== this.lastLeafKey) {
      leaf = this.leaf(page);
      this.lastLeaf = leaf;
      this.lastLeafKey = key;
    }
    return leaf === null ? PTE_NONE : leaf[page & LEAF_MASK];
  }

  set(page: number, pte: number): void {
    this.leafForWriting(page)[page & LEAF_MASK] = pte;
  }

  /** The 512 entries around a page, or null if no fault ever happened there. Index them with `page & LEAF_MASK`. */
  leaf(page: number): Int32Array | null {
    const key = Math.floor(page / PAGES_PER_DIRECTORY);
    if (key !== this.lastKey) {
      this.lastKey = key;
      this.lastDirectory = this.directories.get(key) ?? null;
    }
    return this.lastDirectory === null ? null : this.lastDirectory.leaves[(page >>> LEAF_SHIFT) & DIRECTORY_MASK];
  }

  /** True if the gigabyte around a page has a table that leaves, or huge pages, could hang from. */
  hasDirectory(page: number): boolean {
    return this.directories.has(Math.floor(page / PAGES_PER_DIRECTORY));
  }

  /** True if [from, to) has a leaf. */
  hasLeafIn(from: number, to: number): boolean {
    for (let page = from; page < to; page = nextLeaf(page)) {
      page = this.skipHoles(page, to);
      if (page < to && this.leaf(page) !== null) return true;
    }
    return false;
  }

  /**
   * Calls `visit` for every entry of [from, to) that is not empty, in order. The visitor may change entries, of this
   * page and of others.
   */
  forEach(from: number, to: number, visit: (page: number, pte: number) => void): void {
    let page = this.skipHoles(from, to);
    while (page < to) {
      const leaf = this.leaf(page);
      const end = Math.min(to, nextLeaf(page));
      if (leaf !== null) {
        for (; page < end; page++) {
          const pte = leaf[page & LEAF_MASK];
          if (pte !== PTE_NONE) visit(page, pte);
        }
      }
      page = this.skipHoles(end, to);
    }
  }

  /** free_pgtables: drops the leaves that lie in [from, to) as a whole. Their entries must be empty. */
  freeLeaves(from: number, to: number): void {
    let page = this.skipHoles(Math.ceil(from / PTRS_PER_PTE) * PTRS_PER_PTE, to);
    while (page + PTRS_PER_PTE <= to) {
      const key = Math.floor(page / PAGES_PER_DIRECTORY);
      const directory = this.directories.get(key);
      const slot = (page >>> LEAF_SHIFT) & DIRECTORY_MASK;
      if (directory !== undefined && directory.leaves[slot] !== null) {
        directory.leaves[slot] = null;
        if (--directory.used === 0) this.directories.delete(key);
        this.lastKey = -1;
        this.lastLeafKey = -1;
      }
      page = this.skipHoles(page + PTRS_PER_PTE, to);
    }
  }

  /** Number of leaves, each 2 KiB: what the tables themselves cost. */
  get leafCount(): number {
    let count = 0;
    for (const directory of this.directories.values()) count += directory.used;
    return count;
  }

  private leafForWriting(page: number): Int32Array {
    const found = this.leaf(page);
    if (found !== null) return found;
    const key = Math.floor(page / PAGES_PER_DIRECTORY);
    let directory = this.directories.get(key);
    if (directory === undefined) {
      directory = { leaves: new Array<null>(1 << DIRECTORY_SHIFT).fill(null), used: 0 };
      this.directories.set(key, directory);
      this.lastKey = -1;
    }
    const leaf = new Int32Array(PTRS_PER_PTE);
    this.lastLeafKey = -1;
    directory.leaves[(page >>> LEAF_SHIFT) & DIRECTORY_MASK] = leaf;
    directory.used++;
    return leaf;
  }

  /** The first page at or after `page` whose directory exists, `to` if there is none: empty gigabytes cost one step. */
  private skipHoles(page: number, to: number): number {
    if (page >= to || this.directories.has(Math.floor(page / PAGES_PER_DIRECTORY))) return page;
    const gap = Math.ceil((to - page) / PAGES_PER_DIRECTORY);
    if (gap > this.directories.size) return this.skipFar(page, to);
    let next = (Math.floor(page / PAGES_PER_DIRECTORY) + 1) * PAGES_PER_DIRECTORY;
    while (next < to && !this.directories.has(next / PAGES_PER_DIRECTORY)) next += PAGES_PER_DIRECTORY;
    return Math.min(next, to);
  }

  private skipFar(page: number, to: number): number {
    let nearest = to;
    for (const key of this.directories.keys()) {
      const start = key * PAGES_PER_DIRECTORY;
      if (start > page && start < nearest) nearest = start;
    }
    return nearest;
  }
}

function nextLeaf(page: number): number {
  return (Math.floor(page / PTRS_PER_PTE) + 1) * PTRS_PER_PTE;
}
