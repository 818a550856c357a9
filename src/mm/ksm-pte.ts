import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { mapFrame, unmapFrame } from './map-frame.js';
import { PG_ANON_EXCLUSIVE, PG_KSM } from './page-flags.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_WRITE, makePte, pteFrame, ptePresent } from './pte.js';
import type { Vma } from './vma.js';

/**
 * write_protect_page: the entry of a small anonymous page becomes clean and read-only, in one CLEAR. Not if somebody refers to
 * the page beside those who map it: who writes through a pin, or by direct I/O, must not change a merged page.
 *
 * @returns the entry; null if it is another one by now, or stays as it was
 */
export function* writeProtectPage(vma: Vma, address: number, frame: number): Task<number | null> {
  const { mm } = vma;
  // page_address_in_vma: a merged page belongs to no family.
  if (mm.system.memory.frames.has(frame, PG_KSM)) return null;
  const range = mm.notifiers.invalidateRangeStart('CLEAR', address, address + PAGE_SIZE);
  if (range.holds > 0) yield range;
  const entry = protectEntry(vma, pageOf(address), frame);
  mm.notifiers.invalidateRangeEnd(range);
  return entry;
}

function protectEntry(vma: Vma, page: number, frame: number): number | null {
  const { pageTable, notifiers, system } = vma.mm;
  const { frames } = system.memory;
  const pte = pageTable.get(page);
  if (!ptePresent(pte) || pteFrame(pte) !== frame) return null;
  const exclusive = frames.has(frame, PG_ANON_EXCLUSIVE);
  if ((pte & (PTE_WRITE | PTE_DIRTY)) === 0 && !exclusive) return pte;
  notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
  const expected = frames.folioMapcount(frame) + 1 + system.swap.countCached(frame, 1);
  if (frames.refcount[frame] !== expected || (exclusive && frames.maybeDmaPinned(frame))) return null;
  frames.clear(frame, PG_ANON_EXCLUSIVE);
  if ((pte & PTE_DIRTY) !== 0) system.markDirty(frame);
  const entry = pte & ~(PTE_WRITE | PTE_DIRTY);
  pageTable.set(page, entry);
  return entry;
}

/**
 * replace_page: an entry for a merged page, or the zero page, which holds the same, in one more CLEAR.
 * @param expected what the entry must still be
 */
export function* replacePage(vma: Vma, address: number, merged: number, expected: number): Task<boolean> {
  const { pageTable, notifiers, system } = vma.mm;
  const { memory } = system;
  const page = pageOf(address);
  if (pageTable.leaf(page) === null) return false;
  const range = notifiers.invalidateRangeStart('CLEAR', address, address + PAGE_SIZE);
  if (range.holds > 0) yield range;
  const same = pageTable.get(page) === expected;
  if (same) {
    unmapFrame(vma, page, expected);
    if (system.isZero(merged)) {
      // Dirty tells it from the zero page that a read maps.
      pageTable.set(page, makePte(merged, PTE_DIRTY | PTE_ACCESSED));
    } else {
      memory.frames.get(merged);
      mapFrame(vma, address, merged, PTE_ACCESSED);
    }
    notifiers.archInvalidateSecondaryTlbs(address, address + PAGE_SIZE);
    memory.put(memory.frames.folioOf(pteFrame(expected)));
  }
  notifiers.invalidateRangeEnd(range);
  return same;
}
