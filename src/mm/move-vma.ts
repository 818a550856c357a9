import { HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { anonVmaClone, unlinkAnonVmas } from './anon-vma.js';
import { splitHugePmd } from './huge-pmd.js';
import { blockOf } from './map-frame.js';
import { settledEntry } from './migrate-folio.js';
import { munmapLocked } from './mmap.js';
import { PTE_NONE, PTE_SOFT_DIRTY, PTE_UFFD_WP, SWP_MARKER, swapType } from './pte.js';
import { linkVma } from './split-vma.js';
import { joinNeighbours } from './vma-merge.js';
import { VM_LOCKED, VM_UFFD, Vma } from './vma.js';

/**
 * move_vma (mm/mremap.c): a mapping like `vma` at `to`, and the entries of [address, address + length) in it.
 * @param wanted bytes of the new mapping, at least `length`
 */
export function* moveVma(
  vma: Vma,
  address: number,
  length: number,
  to: number,
  wanted: number,
  dontunmap: boolean,
): Task<Vma> {
  const { mm } = vma;
  const copy = yield* copyVma(vma, address, to, wanted);
  // The copy may have been joined with the mapping that it is one of.
  const from = mm.vmas.at(address) ?? vma;
  yield* movePageTables(from, address, copy, to, length);
  if (copy.userfaultfd !== null) resetUserfaultfd(copy);
  if (!dontunmap) {
    yield* munmapLocked(mm, address, address + length);
  } else {
    from.flags &= ~VM_LOCKED;
    if (copy !== from && from.start === address && from.end === address + length) unlinkAnonVmas(from);
  }
  return copy;
}

/** copy_vma. Memory without any page yet is as good as mapped there anew, so that it may be joined with its neighbours. */
function* copyVma(vma: Vma, address: number, to: number, wanted: number): Task<Vma> {
  const untouched = vma.file === null && vma.anonVma === null;
  const pgoff = untouched ? pageOf(to) : vma.pageIndex(address);
  const copy = new Vma(vma.mm, to, to + wanted, vma.flags, pgoff, vma.file);
  copy.policyNode = vma.policyNode;
  copy.userfaultfd = vma.userfaultfd;
  copy.anonVma = vma.anonVma;
  anonVmaClone(copy, vma);
  yield* linkVma(copy);
  return yield* joinNeighbours(copy);
}

/** mremap_userfaultfd_prep: nobody watches what has moved (UFFD_FEATURE_EVENT_REMAP is not asked for), nor what it joined. */
function resetUserfaultfd(vma: Vma): void {
  vma.userfaultfd = null;
  vma.flags &= ~VM_UFFD;
}

/** move_page_tables: inside one UNMAP of the old range. Nobody is told of the new one: nothing was mapped there. */
function* movePageTables(from: Vma, address: number, into: Vma, to: number, length: number): Task {
  const { notifiers, pageTable } = from.mm;
  if (from.file?.vmOps.moveRange !== undefined) {
    yield* from.file.vmOps.moveRange(from, address, to, length);
    return;
  }
  const start = address - realignment(from, address, into, to, length);
  const range = notifiers.invalidateRangeStart('UNMAP', start, address + length);
  if (range.holds > 0) yield range;
  const end = pageOf(address + length);
  const shift = pageOf(to) - pageOf(address);
  let moved = false;
  for (let page = pageTable.nextPopulated(pageOf(start), end); page < end;) {
    // Up to the next border of a page table, here or there.
    const stop = Math.min(end, blockOf(page) + PTRS_PER_PTE, blockOf(page + shift) + PTRS_PER_PTE - shift);
    yield* settleEntries(from, page, stop);
    // alloc_new_pmd, whether anything is left to be moved or not.
    pageTable.makeDirectory(page + shift);
    const whole = stop - page === PTRS_PER_PTE;
    const done = whole && (moveHuge(from, page, shift) || moveTable(from, page, shift));
    if (!done && pageTable.huge(page) !== PTE_NONE) yield* splitHugePmd(from, page * PAGE_SIZE);
    moved = (!done && moveEntries(from, page, stop, shift)) || done || moved;
    page = pageTable.nextPopulated(stop, end);
  }
  if (moved) notifiers.archInvalidateSecondaryTlbs(start, address + length);
  notifiers.invalidateRangeEnd(range);
}

/** Waits until no page of [page, stop) is being migrated. */
function* settleEntries({ mm }: Vma, page: number, stop: number): Task {
  for (let at = page; at < stop;) {
    const before = mm.pageTable.get(at);
    // Whoever has waited begins anew: meanwhile others may have begun to move.
    at = (yield* settledEntry(mm, at)) === before ? at + 1 : page;
  }
}

/** move_huge_pmd. False if there is none, or something is in the way. */
function moveHuge({ mm, userfaultfd }: Vma, page: number, shift: number): boolean {
  const { pageTable } = mm;
  const huge = pageTable.huge(page);
  if (huge === PTE_NONE || pageTable.isPopulatedIn(page + shift, page + shift + PTRS_PER_PTE)) return false;
  pageTable.setHuge(page, PTE_NONE);
  pageTable.setHuge(page + shift, moveEntry(huge, userfaultfd !== null));
  return true;
}

/** move_normal_pmd: a page table as a whole, its entries as they are, unless a userfaultfd's marks have to go. */
function moveTable({ mm, userfaultfd }: Vma, page: number, shift: number): boolean {
  return userfaultfd === null && mm.pageTable.moveLeaf(page, page + shift);
}

/** move_ptes. The new page table is made, whether anything comes into it or not. */
function moveEntries({ mm, userfaultfd }: Vma, page: number, stop: number, shift: number): boolean {
  const { pageTable } = mm;
  if (pageTable.leaf(page) === null) return false;
  pageTable.makeLeaf(page + shift);
  let moved = false;
  pageTable.forEach(page, stop, (at, pte) => {
    pageTable.set(at, PTE_NONE);
    pageTable.set(at + shift, moveEntry(pte, userfaultfd !== null));
    moved = true;
  });
  return moved;
}

/** move_soft_dirty_pte: at its new address the page counts as written. What only a userfaultfd has left there goes. */
function moveEntry(entry: number, uffd: boolean): number {
  if (uffd && swapType(entry) === SWP_MARKER) return PTE_NONE;
  return (uffd ? entry & ~PTE_UFFD_WP : entry) | PTE_SOFT_DIRTY;
}

/**
 * try_realign_addr: bytes by which the move begins earlier, at the border of a page table, so that it can be moved as a
 * whole. The announced range grows with it.
 */
function realignment(from: Vma, address: number, into: Vma, to: number, length: number): number {
  const before = address % HPAGE_SIZE;
  if (before === 0 || to % HPAGE_SIZE !== before || before + length < HPAGE_SIZE) return 0;
  return canAlignDown(from, address) && canAlignDown(into, to) ? before : 0;
}

/** can_align_down: the mapping begins there, and nothing is mapped between the border and it. */
function canAlignDown(vma: Vma, address: number): boolean {
  if (vma.start !== address) return false;
  return vma.mm.vmas.overlapping(address - (address % HPAGE_SIZE), address).length === 0;
}
