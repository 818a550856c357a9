import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { PG_ANON_EXCLUSIVE, PG_DIRTY } from './page-flags.js';
import { PTE_DIRTY, PTE_SOFT_DIRTY, PTE_UFFD_WP, PTE_WRITE, makePte, pteFrame } from './pte.js';
import { VM_WRITE, type Vma } from './vma.js';

/**
 * restore_exclusive_pte: an ordinary entry in place of one that a device had to itself. The page has been mapped all along,
 * so nothing is counted. The caller has told the drivers.
 */
export function restoreExclusiveEntry(vma: Vma, page: number, entry: number): number {
  const { frames } = vma.mm.system.memory;
  const frame = pteFrame(entry);
  const kept = entry & (PTE_SOFT_DIRTY | PTE_UFFD_WP);
  const softDirtyStops = vma.tracksSoftDirty && (kept & PTE_SOFT_DIRTY) === 0;
  const writable =
    vma.has(VM_WRITE) && frames.has(frame, PG_ANON_EXCLUSIVE) && (kept & PTE_UFFD_WP) === 0 && !softDirtyStops;
  const dirty = writable && frames.has(frames.folioOf(frame), PG_DIRTY);
  const pte = makePte(frame, kept | (writable ? PTE_WRITE : 0) | (dirty ? PTE_DIRTY : 0));
  vma.mm.pageTable.set(page, pte);
  return pte;
}

/** remove_device_exclusive_entry: the CPU wants a page that a device has to itself. One CLEAR of the page, of nobody's making. */
export function* removeDeviceExclusiveEntry({ vma, address }: VmFault, entry: number): Task<FaultResult> {
  const { mm } = vma;
  const { memory } = mm.system;
  const folio = memory.frames.folioOf(pteFrame(entry));
  const page = pageOf(address);
  memory.frames.get(folio);
  yield* memory.lockFolio(folio);
  const start = page * PAGE_SIZE;
  const range = mm.notifiers.invalidateRangeStart('CLEAR', start, start + PAGE_SIZE);
  if (range.holds > 0) yield range;
  if (mm.pageTable.get(page) === entry) restoreExclusiveEntry(vma, page, entry);
  mm.notifiers.invalidateRangeEnd(range);
  memory.unlockFolio(folio);
  memory.put(folio);
  return 'done';
}
