import { Errno, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { folioPteBatch, trySplit } from './madv-cold.js';
import type { AdvisedPart } from './madvise.js';
import type { MmuGather } from './mmu-gather.js';
import { PG_DIRTY, PG_SWAPBACKED } from './page-flags.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_NONE, SWP_GUARD, SWP_MARKER, pteFrame, ptePresent, swapType } from './pte.js';
import { freeSwapEntry } from './swap-entry.js';
import { VM_HUGETLB, VM_LOCKED, type Vma } from './vma.js';

/**
 * madvise_free_single_vma: one CLEAR over the part, even where nothing is populated. The pages stay until reclaim wants
 * them, unless somebody writes to them before.
 *
 * @throws Errno EINVAL for mappings of files, locked ones and hugetlb
 */
export function* madviseFree({ vma, start, end, gather }: AdvisedPart): Task {
  if (vma.file !== null || vma.has(VM_LOCKED | VM_HUGETLB)) throw new Errno('EINVAL', `MADV_FREE of ${vma.toString()}`);
  const { notifiers, pageTable, system } = vma.mm;
  system.lruBatches.drain();
  const range = notifiers.invalidateRangeStart('CLEAR', start, end);
  if (range.holds > 0) yield range;
  const to = pageOf(end);
  for (const [first, stop] of pageTable.populatedBlocks(pageOf(start), to)) {
    if (pageTable.huge(first) !== PTE_NONE) {
      yield* freeHuge(vma, first, stop);
      gather.removeEntries(first, stop);
      continue;
    }
    for (let page = first; page < stop;) page += yield* freeSmall(vma, page, stop, gather);
  }
  notifiers.invalidateRangeEnd(range);
}

/** madvise_free_huge_pmd. */
function* freeHuge(vma: Vma, page: number, stop: number): Task {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const entry = pageTable.huge(page);
  const folio = pteFrame(entry);
  if (!ptePresent(entry) || system.isZero(folio) || frames.maybeMappedShared(folio)) return;
  if (stop - page < PTRS_PER_PTE) {
    yield* trySplit(vma, folio);
    return;
  }
  frames.clear(folio, PG_DIRTY | PG_SWAPBACKED);
  pageTable.setHuge(page, entry & ~(PTE_DIRTY | PTE_ACCESSED));
}

/** madvise_free_pte_range, at a page. @returns the number of pages that are dealt with, 0 if there is something else by now */
function* freeSmall(vma: Vma, page: number, stop: number, gather: MmuGather): Task<number> {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const pte = pageTable.get(page);
  if (!ptePresent(pte)) {
    const type = swapType(pte);
    if (pte !== PTE_NONE && type !== SWP_GUARD && type !== SWP_MARKER) {
      freeSwapEntry(vma, pte);
      pageTable.set(page, PTE_NONE);
    }
    return 1;
  }
  if (system.isZero(pteFrame(pte))) return 1;
  const folio = frames.folioOf(pteFrame(pte));
  const pages = frames.pages(folio);
  const batch = pages === 1 ? 1 : folioPteBatch(vma, page, stop);
  if (batch < pages) {
    if (frames.maybeMappedShared(folio)) return 1;
    return (yield* trySplit(vma, folio)) ? 0 : 1;
  }
  if (frames.has(folio, PG_DIRTY)) {
    // Clean for one mm is not clean for the other.
    if (frames.folioMapcount(folio) !== pages) return pages;
    frames.clear(folio, PG_DIRTY);
  }
  for (let at = page; at < page + pages; at++) {
    const entry = pageTable.get(at);
    if ((entry & (PTE_DIRTY | PTE_ACCESSED)) === 0) continue;
    pageTable.set(at, entry & ~(PTE_DIRTY | PTE_ACCESSED));
    gather.removeEntries(at, at + 1);
  }
  if (frames.testAndClear(folio, PG_SWAPBACKED)) system.lruBatches.add('lazyfree', folio);
  return pages;
}
