import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { allocHugetlbFolio, addNewAnonFolio, copyHugetlbFolio, hugePteFlags } from './hugetlb.js';
import { mapHuge } from './map-frame.js';
import { PG_ANON, PG_ANON_EXCLUSIVE } from './page-flags.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_NONE, PTE_WRITE, SWP_HWPOISON, pteFrame, ptePresent, swapType } from './pte.js';
import { VM_SHARED, VM_WRITE, type Vma } from './vma.js';

/**
 * hugetlb_change_protection: gives the entries the rights of the mapping. Always announced, even if nothing is mapped.
 * What a private mapping may write faults first; a shared one may write at once.
 */
export function* hugetlbChangeProtection(vma: Vma, start: number, end: number): Task {
  const { notifiers, pageTable } = vma.mm;
  const range = notifiers.invalidateRangeStart('PROTECTION_VMA', start, end);
  if (range.holds > 0) yield range;
  const writable = vma.has(VM_SHARED) && vma.has(VM_WRITE) ? PTE_WRITE : 0;
  forEachHugeEntry(vma, start, end, (block, entry) => {
    if (ptePresent(entry)) pageTable.setHuge(block, (entry & ~PTE_WRITE) | writable);
  });
  notifiers.archInvalidateSecondaryTlbs(start, end);
  notifiers.invalidateRangeEnd(range);
}

/**
 * copy_hugetlb_page_range: fork. A private mapping shares its folios read-only from now on, and says CLEAR of all of it;
 * what a device has pinned stays the parent's, and the child gets a copy.
 */
export function* copyHugetlbPageRange(child: Vma, parent: Vma): Task {
  // vma_needs_copy: what a file has can be faulted in again.
  if (parent.anonVma === null) return;
  const { notifiers, system, pageTable } = parent.mm;
  const { frames } = system.memory;
  const range = parent.isCow ? notifiers.invalidateRangeStart('CLEAR', parent.start, parent.end) : null;
  if (range !== null && range.holds > 0) yield range;
  const entries: { block: number; entry: number }[] = [];
  forEachHugeEntry(parent, parent.start, parent.end, (block, entry) => {
    if (ptePresent(entry) || swapType(entry) === SWP_HWPOISON) entries.push({ block, entry });
  });
  for (const { block, entry } of entries) {
    const folio = pteFrame(entry);
    const address = child.start + (block * PAGE_SIZE - parent.start);
    if (!ptePresent(entry)) {
      child.mm.pageTable.setHuge(pageOf(address), entry);
      continue;
    }
    if (frames.has(folio, PG_ANON) && frames.has(folio, PG_ANON_EXCLUSIVE)) {
      if (frames.maybeDmaPinned(folio)) {
        const copy = yield* allocHugetlbFolio(system, child.policyNode);
        if (copy < 0) break;
        copyHugetlbFolio(child, folio, copy);
        addNewAnonFolio(child, copy, address);
        mapHuge(child, address, copy, hugePteFlags(child, true));
        continue;
      }
      frames.clear(folio, PG_ANON_EXCLUSIVE);
    }
    const shared = parent.isCow ? entry & ~PTE_WRITE : entry;
    if (shared !== entry) pageTable.setHuge(block, shared);
    frames.get(folio);
    mapHuge(child, address, folio, shared & (PTE_WRITE | PTE_DIRTY | PTE_ACCESSED));
  }
  if (range !== null) notifiers.invalidateRangeEnd(range);
}

/** move_hugetlb_page_tables: mremap moves the entries of [from, from + length) to `to`, and says CLEAR, not UNMAP. */
export function* moveHugetlbPageTables(vma: Vma, from: number, to: number, length: number): Task {
  const { notifiers, pageTable } = vma.mm;
  const range = notifiers.invalidateRangeStart('CLEAR', from, from + length);
  if (range.holds > 0) yield range;
  forEachHugeEntry(vma, from, from + length, (block, entry) => {
    pageTable.setHuge(block, PTE_NONE);
    pageTable.setHuge(block + pageOf(to) - pageOf(from), entry);
  });
  notifiers.archInvalidateSecondaryTlbs(from, from + length);
  notifiers.invalidateRangeEnd(range);
}

function forEachHugeEntry(vma: Vma, start: number, end: number, visit: (block: number, entry: number) => void): void {
  const { pageTable } = vma.mm;
  const to = pageOf(end);
  for (const [block] of pageTable.populatedBlocks(pageOf(start), to)) {
    const entry = pageTable.huge(block);
    if (entry !== PTE_NONE) visit(block, entry);
  }
}
