import { LEAF_MASK, LEAF_SHIFT, PTRS_PER_PTE } from '../base/index.js';
import { SimulationError } from '../engine/index.js';
import { FRAME_SHIFT, PTE_NONE, ptePresent } from './pte.js';

/** Leaves per directory: a directory spans 1 GiB. */
const DIRECTORY_SHIFT = 9;
const DIRECTORY_MASK = (1 << DIRECTORY_SHIFT) - 1;
const PAGES_PER_DIRECTORY = 1 << (LEAF_SHIFT + DIRECTORY_SHIFT);

interface Directory {
  readonly leaves: (Int32Array | null)[];
  /** Huge entries by slot: where one is, there is no leaf. Absent until there is the first. */
  huge: Int32Array | null;
  /** Slots that have a leaf or a huge entry. */
  used: number;
}

/**
 * The page tables of one mm: a radix tree whose leaves are 512 entries, as the hardware has them. In place of a leaf there
 * may be a huge entry (a pmd) that maps, or stands for, all 2 MiB at once.
 *
 * Pages are named by their number (address / 4096), up to 2^35. A leaf exists from the first fault in its 2 MiB until
 * the range is unmapped or given up as a whole, whatever its entries hold meanwhile: Linux behaves differently where there is
 * no leaf.
 */
export class PageTable {
  /** Directories by number; a Map because a process uses few, far apart. */
  private readonly directories = new Map<number, Directory>();
  private lastKey = -1;
  private lastDirectory: Directory | null = null;
  private lastLeafKey = -1;
  private lastLeaf: Int32Array | null = null;

  /** The entry of a page, PTE_NONE if there is none. Under a huge entry that is present: what a small one would say. */
  get(page: number): number {
    const key = Math.floor(page / PTRS_PER_PTE);
    let leaf = this.lastLeaf;
    if (key !== this.lastLeafKey) {
      leaf = this.leaf(page);
      this.lastLeaf = leaf;
      this.lastLeafKey = key;
    }
    return leaf === null ? this.underHuge(page) : leaf[page & LEAF_MASK];
  }

  /** Adds flags to the entry that maps a page, small or huge. */
  addFlags(page: number, flags: number): void {
    const leaf = this.leaf(page);
    if (leaf !== null) this.set(page, leaf[page & LEAF_MASK] | flags);
    else this.setHuge(page, this.huge(page) | flags);
  }

  /** The huge entry of the 2 MiB around a page, PTE_NONE if there is none. */
  huge(page: number): number {
    const directory = this.directories.get(Math.floor(page / PAGES_PER_DIRECTORY));
    return directory?.huge?.[(page >>> LEAF_SHIFT) & DIRECTORY_MASK] ?? PTE_NONE;
  }

  /** Sets or, with PTE_NONE, removes the huge entry around a page. There must be no leaf. */
  setHuge(page: number, entry: number): void {
    const directory = this.directoryForWriting(page);
    const slot = (page >>> LEAF_SHIFT) & DIRECTORY_MASK;
    if (directory.leaves[slot] !== null) {
      throw new SimulationError(`a huge entry at page ${String(page)}, which has a page table`);
    }
    directory.huge ??= new Int32Array(1 << DIRECTORY_SHIFT);
    directory.used += (entry === PTE_NONE ? 0 : 1) - (directory.huge[slot] === PTE_NONE ? 0 : 1);
    directory.huge[slot] = entry;
    this.lastLeafKey = -1;
  }

  /** A leaf of empty entries in place of whatever is around a page: a huge entry, another leaf or nothing. */
  replaceByLeaf(page: number): void {
    if (this.huge(page) !== PTE_NONE) this.setHuge(page, PTE_NONE);
    this.leafForWriting(page).fill(PTE_NONE);
  }

  /** Drops the leaf around a page, if there is one; its entries are gone with it. */
  dropLeaf(page: number): void {
    const directory = this.directories.get(Math.floor(page / PAGES_PER_DIRECTORY));
    const slot = (page >>> LEAF_SHIFT) & DIRECTORY_MASK;
    if (directory === undefined || directory.leaves[slot] === null) return;
    directory.leaves[slot] = null;
    directory.used--;
    this.lastLeafKey = -1;
  }

  /** Makes the leaf around a page, if there is none. There must be no huge entry. */
  makeLeaf(page: number): void {
    this.leafForWriting(page);
  }

  /** move_normal_pmd: hangs the leaf around `from` around `to` instead. False if there is none, or something is there. */
  moveLeaf(from: number, to: number): boolean {
    const leaf = this.leaf(from);
    if (leaf === null || this.isPopulatedIn(to, to + 1)) return false;
    this.dropLeaf(from);
    this.hang(to, leaf);
    return true;
  }

  /** try_to_free_pte: drops the leaf around a page if all of its entries are empty. */
  dropEmptyLeaf(page: number): void {
    if (this.leaf(page)?.every((pte) => pte === PTE_NONE) === true) this.dropLeaf(page);
  }

  /** The first page of [from, to) whose 2 MiB have a leaf or a huge entry; `to` if there is none. */
  nextPopulated(from: number, to: number): number {
    let page = this.skipHoles(from, to);
    while (page < to && this.leaf(page) === null && this.huge(page) === PTE_NONE) {
      page = this.skipHoles(nextLeaf(page), to);
    }
    return Math.min(page, to);
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

  /** Makes the directory of the gigabyte around a page, if there is none. */
  makeDirectory(page: number): void {
    this.directoryForWriting(page);
  }

  /** The parts [page, stop) of [from, to), by 2 MiB, that have a leaf or a huge entry. The caller may change tables meanwhile. */
  *populatedBlocks(from: number, to: number): Generator<readonly [page: number, stop: number]> {
    for (let page = this.nextPopulated(from, to); page < to;) {
      const stop = Math.min(to, nextLeaf(page));
      yield [page, stop];
      page = this.nextPopulated(stop, to);
    }
  }

  /** True if a gigabyte that [from, to) touches has a directory. */
  hasDirectoryIn(from: number, to: number): boolean {
    return this.skipHoles(from, to) < to;
  }

  /** True if [from, to) has a leaf or a huge entry. */
  isPopulatedIn(from: number, to: number): boolean {
    return this.nextPopulated(from, to) < to;
  }

  /**
   * Calls `visit` for every small entry of [from, to) that is not empty, in order. The visitor may change entries, of
   * this page and of others. Huge entries are passed over.
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

  /**
   * free_pgtables: drops the leaves that lie in [from, to) as a whole, and directories that lie in [floor, ceiling), where
   * nothing else is mapped. Their entries must be empty.
   */
  freeLeaves(from: number, to: number, floor = from, ceiling = to): void {
    let page = this.skipHoles(Math.ceil(from / PTRS_PER_PTE) * PTRS_PER_PTE, to);
    while (page + PTRS_PER_PTE <= to) {
      const key = Math.floor(page / PAGES_PER_DIRECTORY);
      const directory = this.directories.get(key);
      const slot = (page >>> LEAF_SHIFT) & DIRECTORY_MASK;
      if (directory !== undefined && directory.leaves[slot] !== null) {
        directory.leaves[slot] = null;
        directory.used--;
        this.lastLeafKey = -1;
      }
      page = this.skipHoles(page + PTRS_PER_PTE, to);
    }
    for (const [key, directory] of this.directories) {
      const start = key * PAGES_PER_DIRECTORY;
      if (directory.used > 0 || start < floor || start + PAGES_PER_DIRECTORY > ceiling) continue;
      this.directories.delete(key);
      this.lastKey = -1;
    }
  }

  /** Number of leaves, each 2 KiB: what the tables themselves cost. */
  get leafCount(): number {
    let count = 0;
    for (const directory of this.directories.values()) count += directory.used;
    return count;
  }

  private underHuge(page: number): number {
    const entry = this.huge(page);
    return ptePresent(entry) ? (entry + ((page & LEAF_MASK) << FRAME_SHIFT)) | 0 : entry;
  }

  private directoryForWriting(page: number): Directory {
    const key = Math.floor(page / PAGES_PER_DIRECTORY);
    let directory = this.directories.get(key);
    if (directory === undefined) {
      directory = { leaves: new Array<null>(1 << DIRECTORY_SHIFT).fill(null), huge: null, used: 0 };
      this.directories.set(key, directory);
      this.lastKey = -1;
    }
    return directory;
  }

  private leafForWriting(page: number): Int32Array {
    const found = this.leaf(page);
    if (found !== null) return found;
    const directory = this.directoryForWriting(page);
    const slot = (page >>> LEAF_SHIFT) & DIRECTORY_MASK;
    if (directory.huge !== null && directory.huge[slot] !== PTE_NONE) {
      throw new SimulationError(`a small entry at page ${String(page)}, which a huge one maps`);
    }
    const leaf = new Int32Array(PTRS_PER_PTE);
    this.hang(page, leaf);
    return leaf;
  }

  private hang(page: number, leaf: Int32Array): void {
    const directory = this.directoryForWriting(page);
    directory.leaves[(page >>> LEAF_SHIFT) & DIRECTORY_MASK] = leaf;
    directory.used++;
    this.lastLeafKey = -1;
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
