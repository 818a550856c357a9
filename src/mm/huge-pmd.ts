import { HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { mapFrame, unmapHuge } from './map-frame.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_REFERENCED } from './page-flags.js';
import { ZERO_FRAME } from './physical-memory.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  makePte,
  pteFrame,
  ptePresent,
} from './pte.js';
import type { Vma } from './vma.js';

/** Bits of a huge entry that its small successors inherit. */
const INHERITED = PTE_WRITE | PTE_DIRTY | PTE_ACCESSED | PTE_SOFT_DIRTY | PTE_UFFD_WP;

/**
 * __split_huge_pmd (mm/huge_memory.c): small entries in place of the huge one around `address`. Drivers are told CLEAR
 * of the whole 2 MiB, although of anonymous memory every page stays mapped.
 */
export function* splitHugePmd(vma: Vma, address: number): Task {
  const { notifiers } = vma.mm;
  const start = address - (address % HPAGE_SIZE);
  const range = notifiers.invalidateRangeStart('CLEAR', start, start + HPAGE_SIZE);
  if (range.holds > 0) yield range;
  splitHugePmdLocked(vma, pageOf(start));
  notifiers.invalidateRangeEnd(range);
}

/**
 * split_huge_pmd_locked: the same inside a range that the caller has announced. The pages of a file are not mapped
 * afterwards: they can be faulted in again. Of anonymous memory what was dirty counts as written since soft-dirty bits were
 * reset, though it was not (pte_mkdirty).
 *
 * @param freeze the entries make way for migration entries at once, which are as soft-dirty as the huge one was
 */
export function splitHugePmdLocked(vma: Vma, block: number, freeze = false): void {
  const { pageTable, system, notifiers } = vma.mm;
  const entry = pageTable.huge(block);
  if (!ptePresent(entry)) return;
  const address = block * PAGE_SIZE;
  const { memory } = system;
  const { frames } = memory;
  const flags = entry & INHERITED;
  const folio = pteFrame(entry);
  const isZero = system.isZero(folio);
  if (!isZero && !frames.has(folio, PG_ANON)) {
    unmapHuge(vma, block, entry);
    if ((entry & PTE_DIRTY) !== 0) system.markDirty(folio);
    if ((entry & PTE_ACCESSED) !== 0) frames.set(folio, PG_REFERENCED);
    notifiers.archInvalidateSecondaryTlbs(address, address + HPAGE_SIZE);
    memory.put(folio);
    return;
  }
  pageTable.setHuge(block, PTE_NONE);
  pageTable.replaceByLeaf(block);
  if (isZero) {
    for (let i = 0; i < PTRS_PER_PTE; i++) pageTable.set(block + i, makePte(ZERO_FRAME, flags & ~PTE_WRITE));
    return;
  }
  const exclusive = frames.has(folio, PG_ANON_EXCLUSIVE);
  frames.get(folio, PTRS_PER_PTE - 1);
  for (let i = 0; i < PTRS_PER_PTE; i++) {
    if (exclusive) frames.set(folio + i, PG_ANON_EXCLUSIVE);
    mapFrame(vma, address + i * PAGE_SIZE, folio + i, flags);
    if (freeze && (flags & PTE_SOFT_DIRTY) === 0) {
      pageTable.set(block + i, pageTable.get(block + i) & ~PTE_SOFT_DIRTY);
    }
  }
  // Only now: nothing of the folio was without an entry in between.
  frames.unmapHuge(folio, vma.mm.id);
}
