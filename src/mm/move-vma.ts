import { HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { anonVmaClone, unlinkAnonVmas } from './anon-vma.js';
import { splitHugePmd } from './huge-pmd.js';
import { blockOf } from './map-frame.js';
import { breakKsm } from './ksm-break.js';
import { settledEntry } from './migrate-folio.js';
import { munmapLocked } from './mmap.js';
import { PTE_NONE, PTE_SOFT_DIRTY, PTE_UFFD_WP } from './pte.js';
import { linkVma, splitVmaAt } from './split-vma.js';
import { joinNeighbours } from './vma-merge.js';
import { VM_LOCKED, VM_MERGEABLE, VM_UFFD_MISSING, VM_UFFD_WP, Vma } from './vma.js';

/**
 * move_vma (mm/mremap.c): a mapping like `source` at `to`, and the entries of [address, address + length) in it.
 * @param wanted bytes of the new mapping, at least `length`
 */
export function* moveVma(
  source: Vma,
  address: number,
  length: number,
  to: number,
  wanted: number,
  dontunmap: boolean,
): Task<Vma> {
  const { mm } = source;
  // prep_move_vma: a merged page stays where ksmd put it.
  if (source.has(VM_MERGEABLE)) yield* breakKsm(source, address, address + length);
  const vma = dontunmap ? yield* lockedPart(source, address, length) : source;
  const copy = yield* copyVma(vma, address, to, wanted);
  // The copy may have been joined with the mapping that it is one of.
  const from = mm.vmas.at(address) ?? vma;
  yield* movePageTables(from, address, copy, to, length);
  if (!dontunmap) {
    yield* munmapLocked(mm, address, address + length);
  } else {
    from.flags &= ~VM_LOCKED;
    if (copy !== from && from.start === address && from.end === address + length) unlinkAnonVmas(from);
  }
  return copy;
}

/** Only what moves away of a locked mapping will be locked no longer: it becomes a mapping of its own. */
function* lockedPart(vma: Vma, address: number, length: number): Task<Vma> {
  if (!vma.has(VM_LOCKED)) return vma;
  yield* splitVmaAt(vma.mm, address);
  yield* splitVmaAt(vma.mm, address + length);
  return vma.mm.vmas.at(address) ?? vma;
}

/** copy_vma. Memory without any page yet is as good as mapped there anew, so that it may be joined with its neighbours. */
function* copyVma(vma: Vma, address: number, to: number, wanted: number): Task<Vma> {
  const untouched = vma.file === null && vma.anonVma === null;
  const pgoff = untouched ? pageOf(to) : vma.pageIndex(address);
  const flags = vma.flags & ~(VM_UFFD_MISSING | VM_UFFD_WP);
  const copy = new Vma(vma.mm, to, to + wanted, flags, pgoff, vma.file);
  copy.policyNode = vma.policyNode;
  copy.anonVma = vma.anonVma;
  anonVmaClone(copy, vma);
  yield* linkVma(copy);
  return yield* joinNeighbours(copy);
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
  const uffd = from.userfaultfd !== null;
  let moved = false;
  for (let page = pageTable.nextPopulated(pageOf(address), end); page < end;) {
    yield* settledEntry(from.mm, page);
    // Up to the next border of a page table, here or there.
    const stop = Math.min(end, blockOf(page) + PTRS_PER_PTE, blockOf(page + shift) + PTRS_PER_PTE - shift);
    // alloc_new_pmd, whether anything is left to be moved or not.
    pageTable.makeDirectory(page + shift);
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE) {
      const empty = !pageTable.isPopulatedIn(page + shift, stop + shift);
      if (stop - page === PTRS_PER_PTE && empty) {
        pageTable.setHuge(page, PTE_NONE);
        pageTable.setHuge(page + shift, moveEntry(huge, uffd));
        moved = true;
      } else {
        yield* splitHugePmd(from, page * PAGE_SIZE);
      }
    }
    const pages: number[] = [];
    pageTable.forEach(page, stop, (at) => pages.push(at));
    for (const at of pages) {
      const pte = yield* settledEntry(from.mm, at);
      pageTable.set(at, PTE_NONE);
      pageTable.set(at + shift, moveEntry(pte, uffd));
      moved = true;
    }
    page = pageTable.nextPopulated(stop, end);
  }
  if (moved) notifiers.archInvalidateSecondaryTlbs(start, address + length);
  notifiers.invalidateRangeEnd(range);
}

/** move_soft_dirty_pte: at its new address the page counts as written. */
function moveEntry(entry: number, uffd: boolean): number {
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
