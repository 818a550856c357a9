import { HPAGE_SIZE, PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesInFile, placesOf } from './folio-places.js';
import type { MmSystem } from './mm-system.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_WRITE } from './pte.js';
import { VM_SHARED } from './vma.js';

/** What a walk over the mappings of a folio cost. */
export interface RmapCost {
  /** ns spent waiting for devices to let go */
  deviceWaitNs: number;
}

/**
 * folio_mkclean (mm/rmap.c): makes every shared mapping of a file folio clean and read-only, so that the next write
 * faults. One PROTECTION_PAGE per mapping, over the part of the folio that it shows. The caller holds the folio lock.
 *
 * @returns the number of entries that were dirty or writable
 */
export function* folioMkclean(system: MmSystem, folio: number, cost: RmapCost): Task<number> {
  const mapping = system.mappingOf(folio);
  const { simulation, costs, memory } = system;
  if (mapping === null || memory.frames.folioMapcount(folio) === 0) return 0;
  const { trace } = simulation;
  const traced = { file: mapping.name, file_page: memory.frames.index[folio] };
  if (trace.on) trace.emit({ kind: 'folio_mkclean_start', ...traced });
  yield mapping.iMmapLock.shared;
  let cleaned = 0;
  for (const place of placesInFile(system, mapping, folio)) {
    const { vma, start, end } = place;
    if (!vma.has(VM_SHARED)) continue;
    const { notifiers, pageTable } = vma.mm;
    const range = notifiers.invalidateRangeStart('PROTECTION_PAGE', start, end);
    if (range.holds > 0) yield range;
    cost.deviceWaitNs += range.quiescedAt - range.startedAt;
    let here = 0;
    forEachEntry(memory, place, folio, {
      small: (page, pte) => {
        if ((pte & (PTE_DIRTY | PTE_WRITE)) === 0) return;
        pageTable.set(page, pte & ~(PTE_DIRTY | PTE_WRITE));
        notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
        here++;
      },
      huge: (page, entry) => {
        if ((entry & (PTE_DIRTY | PTE_WRITE)) === 0) return;
        pageTable.setHuge(page, entry & ~(PTE_DIRTY | PTE_WRITE));
        notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, page * PAGE_SIZE + HPAGE_SIZE);
        here++;
      },
    });
    if (here > 0 && costs.pteFlush > 0) yield here * costs.pteFlush;
    notifiers.invalidateRangeEnd(range);
    cleaned += here;
  }
  mapping.iMmapLock.releaseShared();
  if (trace.on) trace.emit({ kind: 'folio_mkclean', ...traced, cleaned });
  return cleaned;
}

/**
 * folio_referenced, as the multi-generational LRU asks: whether a CPU, or a device that a classic notifier speaks for, used
 * the folio since the last time. One clear_young per entry: no TLB is flushed, so an access may go unseen.
 * Interval notifiers have no say: what only an ODP device uses looks cold.
 */
export function folioReferenced(system: MmSystem, folio: number): boolean {
  let referenced = false;
  for (const place of placesOf(system, folio)) {
    const { notifiers, pageTable } = place.vma.mm;
    const young = (page: number, bytes: number): void => {
      const address = page * PAGE_SIZE;
      if (notifiers.young('clear_young', address, address + bytes)) referenced = true;
    };
    forEachEntry(system.memory, place, folio, {
      small: (page, pte) => {
        if ((pte & PTE_ACCESSED) !== 0) referenced = true;
        pageTable.set(page, pte & ~PTE_ACCESSED);
        young(page, PAGE_SIZE);
      },
      huge: (page, entry) => {
        if ((entry & PTE_ACCESSED) !== 0) referenced = true;
        pageTable.setHuge(page, entry & ~PTE_ACCESSED);
        young(page, HPAGE_SIZE);
      },
    });
  }
  return referenced;
}
