import { LEAF_SHIFT as HPAGE_ORDER } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { PG_DIRTY, PG_UPTODATE, PageIndex, removeFromPageCache, type AddressSpace } from '../../mm/index.js';
import { RACED, tryAddFolio } from '../filemap.js';
import type { Inode } from '../inode.js';
import type { Tmpfs } from './tmpfs.js';

/** Bits of a swapped page's value that are the order of the folio that it was part of. */
const ORDER_BITS = 4;

/** The pages of one file that are on the swap device: the values among the folios of Linux's i_pages. */
export class SwappedPages {
  private readonly values = new PageIndex();

  /** Whether a page of [first, end) is on the swap device. */
  any(first: number, end: number): boolean {
    return this.values.next(first, end) >= 0;
  }

  /** The first page of [first, end) that is; -1 if none is. */
  next(first: number, end: number): number {
    return this.values.next(first, end);
  }

  put(index: number, slot: number, order: number): void {
    this.values.set(index, (slot << ORDER_BITS) | order);
  }

  slot(index: number): number {
    return this.values.get(index) >> ORDER_BITS;
  }

  delete(index: number): void {
    this.values.delete(index);
  }

  /** The order of the folio that page `index` was part of, if all of that is still here; 0 otherwise. */
  order(index: number): number {
    const order = this.values.get(index) & ((1 << ORDER_BITS) - 1);
    const first = index - (index % (1 << order));
    for (let at = first; at < first + (1 << order); at++) {
      if (this.values.get(at) === 0 || (this.values.get(at) & ((1 << ORDER_BITS) - 1)) !== order) return 0;
    }
    return order;
  }
}

/**
 * shmem_writeout, and what reclaim does after it, of a locked folio that nobody maps: a dirty one goes to the swap device,
 * a clean one is as good as the hole that it was.
 */
export function* shmemWriteout(fs: Tmpfs, mapping: AddressSpace, folio: number): Task {
  const { system } = fs;
  const { frames, contents } = system.memory;
  const pages = frames.pages(folio);
  if (frames.refcount[folio] !== 1 + pages) return;
  if (frames.has(folio, PG_DIRTY)) {
    const inode = fs.inodeOf(mapping);
    // Reserved, never written.
    if (!frames.has(folio, PG_UPTODATE)) yield* fs.readFolios(inode, [folio]);
    const first = frames.index[folio];
    // A folio that reaches beyond the end of the file is split before it goes.
    const order = first + pages > mapping.sizeInPages ? 0 : frames.order(folio);
    for (let i = 0; i < pages; i++) {
      if (order === 0 && pages > 1 && first + i >= mapping.sizeInPages) break;
      fs.swapped(inode).put(first + i, system.swap.write(contents, folio + i), order);
    }
  }
  removeFromPageCache(system, mapping, folio);
}

/**
 * shmem_swapin_folio: brings a page back from the swap device, with the whole folio that it left in if there is memory for
 * that. The folio is locked, referenced and dirty.
 *
 * @returns -1 if memory has run out; RACED if somebody else brought it back, or dropped it, meanwhile
 */
export function* shmemSwapinFolio(fs: Tmpfs, inode: Inode, index: number): Task<number> {
  const { system } = fs;
  const { memory, swap } = system;
  const swapped = fs.swapped(inode);
  const policy = fs.policy(inode);
  let order = swapped.order(index);
  const start = index - (index % (1 << order));
  let folio = order === HPAGE_ORDER ? memory.allocate(order, policy.nodeOf(start)) : -1;
  if (folio < 0) {
    order = 0;
    folio = yield* system.allocate(0, policy.nodeOf(index));
  }
  if (folio < 0) return -1;
  const first = index - (index % (1 << order));
  if (!swapped.any(index, index + 1) || !tryAddFolio(inode, folio, first)) {
    memory.put(folio);
    return RACED;
  }
  for (let i = 0; i < 1 << order; i++) {
    const slot = swapped.slot(first + i);
    swap.read(slot, memory.contents, folio + i);
    swap.free(slot);
    swapped.delete(first + i);
  }
  memory.frames.set(folio, PG_UPTODATE | PG_DIRTY);
  return folio;
}

/** shmem_free_swap, of pages [first, end). */
export function shmemFreeSwap(fs: Tmpfs, inode: Inode, first: number, end: number): void {
  const swapped = fs.swapped(inode);
  for (let index = swapped.next(first, end); index >= 0; index = swapped.next(index + 1, end)) {
    fs.system.swap.free(swapped.slot(index));
    swapped.delete(index);
  }
}
