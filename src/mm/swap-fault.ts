import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { newAnonFolio } from './anon.js';
import { blockOf, mapFrame } from './map-frame.js';
import { PG_ANON_EXCLUSIVE, PG_LRU } from './page-flags.js';
import { MTHP_ORDER, allowsMthp } from './mthp.js';
import {
  FRAME_SHIFT,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_SWAP_EXCLUSIVE,
  pteFrame,
  pteWritable,
  swapType,
} from './pte.js';
import { VM_WRITE, type Vma } from './vma.js';

/**
 * do_swap_page (mm/memory.c): brings a page back from the swap device, with the rest of its folio if all of that is still there.
 * One that was exclusive when it went is so again, and is mapped writable even for a read. One that several mms have swapped
 * out is shared among them through the swap cache.
 */
export function* swapFault(fault: VmFault, entry: number): Task<FaultResult> {
  const { vma, address, write } = fault;
  const { system, pageTable } = vma.mm;
  const { memory, swap } = system;
  const { frames } = memory;
  const page = pageOf(address);
  const slot = pteFrame(entry);
  let frame = swap.cached(slot);
  const fromCache = frame >= 0;
  if (fromCache) frames.get(frames.folioOf(frame));
  else frame = (yield* swapIn(fault, entry, MTHP_ORDER)) ?? (yield* swapIn(fault, entry, 0)) ?? -1;
  if (frame < 0) return 'OOM';
  const folio = frames.folioOf(frame);
  // Whether others refer to it counts.
  if (write && !frames.has(folio, PG_LRU)) system.lruBatches.drain();
  if (pageTable.get(page) !== entry) {
    memory.put(folio);
    return 'retry';
  }
  const first = page - (frame - folio);
  const whole = isWholeFolio(vma, first, frames.pages(folio), page, entry);
  const from = whole ? first : page;
  const pages = whole ? frames.pages(folio) : 1;
  frames.get(folio, pages - 1);
  for (let at = from; at < from + pages; at++) {
    mapSwappedIn(fault, at, pageTable.get(at), frame + (at - page), fromCache);
  }
  return write && !pteWritable(pageTable.get(page)) ? 'retry' : 'done';
}

/**
 * swapin_sync: a new folio with what the swap device has of it.
 * @returns the frame of the page at which the fault happened; null if there is no memory, or it cannot be a folio of that size
 */
function* swapIn({ vma, address }: VmFault, entry: number, order: number): Task<number | null> {
  const { memory, swap } = vma.mm.system;
  const page = pageOf(address);
  const pages = 1 << order;
  const first = page - (page % pages);
  const slot = pteFrame(entry) - (page - first);
  // thp_swap_suitable_orders: where it was when it went.
  if (order > 0 && (slot % pages !== 0 || !allowsMthp(vma, address))) return null;
  if (!isWholeFolio(vma, first, pages, page, entry)) return null;
  for (let i = 0; i < pages; i++) if (swap.cached(slot + i) >= 0) return null;
  const folio = yield* newAnonFolio(vma, first * PAGE_SIZE, order);
  if (folio < 0) return null;
  for (let i = 0; i < pages; i++) swap.read(slot + i, memory.contents, folio + i);
  return folio + (page - first);
}

/**
 * can_swapin_thp: whether the entries around that of `page` are those of a folio of `pages` pages from `first` on, within the
 * mapping and a page table, and alike.
 */
function isWholeFolio(vma: Vma, first: number, pages: number, page: number, entry: number): boolean {
  if (first * PAGE_SIZE < vma.start || (first + pages) * PAGE_SIZE > vma.end) return false;
  if (blockOf(first) !== blockOf(first + pages - 1)) return false;
  for (let at = first; at < first + pages; at++) {
    if (vma.mm.pageTable.get(at) !== ((entry + ((at - page) << FRAME_SHIFT)) | 0)) return false;
  }
  return true;
}

function mapSwappedIn({ vma, write }: VmFault, page: number, entry: number, frame: number, fromCache: boolean): void {
  const { memory, swap } = vma.mm.system;
  const { frames } = memory;
  const slot = pteFrame(entry);
  if (swap.count(slot) > 1 && !fromCache) {
    frames.get(frames.folioOf(frame));
    swap.cache(slot, frame);
  }
  swap.free(slot);
  const exclusive = swapType(entry) === SWP_SWAP_EXCLUSIVE;
  if (exclusive) frames.set(frame, PG_ANON_EXCLUSIVE);
  else frames.clear(frame, PG_ANON_EXCLUSIVE);
  const kept = entry & (PTE_SOFT_DIRTY | PTE_UFFD_WP);
  // pte_needs_soft_dirty_wp
  const isWatched = (kept & PTE_UFFD_WP) !== 0 || (vma.tracksSoftDirty && (kept & PTE_SOFT_DIRTY) === 0);
  const writable = exclusive && vma.has(VM_WRITE) && !isWatched;
  const rights = writable ? PTE_WRITE | (write ? PTE_DIRTY : 0) : 0;
  mapFrame(vma, page * PAGE_SIZE, frame, PTE_ACCESSED | kept | rights);
}
