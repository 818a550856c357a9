import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import { unmapFrame } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON } from './page-flags.js';
import type { PhysicalMemory } from './physical-memory.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_WRITE, pteFrame, ptePresent } from './pte.js';
import { VM_SHARED, type Vma } from './vma.js';

/** One mapping in which pages of a folio may appear, and the addresses at which they would. */
interface FolioPlace {
  readonly vma: Vma;
  readonly start: number;
  readonly end: number;
}

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
  yield mapping.iMmapLock.shared;
  let cleaned = 0;
  for (const { vma, start, end } of placesInFile(system, mapping, folio)) {
    if (!vma.has(VM_SHARED)) continue;
    const { notifiers, pageTable } = vma.mm;
    const range = notifiers.invalidateRangeStart('PROTECTION_PAGE', start, end);
    if (range.holds > 0) yield range;
    cost.deviceWaitNs += range.quiescedAt - range.startedAt;
    let here = 0;
    pageTable.forEach(pageOf(start), pageOf(end), (page, pte) => {
      if ((pte & (PTE_DIRTY | PTE_WRITE)) === 0 || !maps(memory, pte, folio)) return;
      pageTable.set(page, pte & ~(PTE_DIRTY | PTE_WRITE));
      notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
      here++;
    });
    if (here > 0 && costs.pteFlush > 0) yield here * costs.pteFlush;
    notifiers.invalidateRangeEnd(range);
    cleaned += here;
  }
  mapping.iMmapLock.releaseShared();
  if (cleaned > 0 && simulation.trace.on) {
    const filePage = memory.frames.index[folio];
    simulation.trace.emit({ kind: 'folio_mkclean', file: mapping.name, file_page: filePage, cleaned });
  }
  return cleaned;
}

/**
 * try_to_unmap: removes every entry of a folio, handing dirty bits to the folio. One CLEAR per mapping. The caller holds
 * the folio lock and a reference.
 *
 * @returns true if no entry maps the folio any more
 */
export function* tryToUnmap(system: MmSystem, folio: number): Task<boolean> {
  const { memory } = system;
  const mapping = system.mappingOf(folio);
  if (mapping !== null) yield mapping.iMmapLock.shared;
  for (const { vma, start, end } of placesOf(system, folio)) {
    const { notifiers, pageTable } = vma.mm;
    const range = notifiers.invalidateRangeStart('CLEAR', start, end);
    if (range.holds > 0) yield range;
    pageTable.forEach(pageOf(start), pageOf(end), (page, pte) => {
      if (!maps(memory, pte, folio)) return;
      unmapFrame(vma, page, pte);
      notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
      if ((pte & PTE_DIRTY) !== 0) system.markDirty(folio);
      memory.put(folio);
    });
    notifiers.invalidateRangeEnd(range);
    // The walk ends with the last entry: mappings behind it hear nothing.
    if (memory.frames.folioMapcount(folio) === 0) break;
  }
  if (mapping !== null) mapping.iMmapLock.releaseShared();
  return memory.frames.folioMapcount(folio) === 0;
}

/**
 * folio_referenced, as the multi-generational LRU asks: whether a CPU, or a device that a classic notifier speaks for, used
 * the folio since the last time. One clear_young per entry: no TLB is flushed, so an access may go unseen.
 * Interval notifiers have no say: what only an ODP device uses looks cold.
 */
export function folioReferenced(system: MmSystem, folio: number): boolean {
  let referenced = false;
  for (const { vma, start, end } of placesOf(system, folio)) {
    const { notifiers, pageTable } = vma.mm;
    pageTable.forEach(pageOf(start), pageOf(end), (page, pte) => {
      if (!maps(system.memory, pte, folio)) return;
      if ((pte & PTE_ACCESSED) !== 0) {
        pageTable.set(page, pte & ~PTE_ACCESSED);
        referenced = true;
      }
      const address = page * PAGE_SIZE;
      if (notifiers.young('clear_young', address, address + PAGE_SIZE)) referenced = true;
    });
  }
  return referenced;
}

/** page_vma_mapped_walk's question: at a place of the folio there may be something else, a private copy for one. */
function maps(memory: PhysicalMemory, pte: number, folio: number): boolean {
  return ptePresent(pte) && memory.frames.folioOf(pteFrame(pte)) === folio;
}

function placesOf(system: MmSystem, folio: number): FolioPlace[] {
  if (!system.memory.frames.has(folio, PG_ANON)) {
    const mapping = system.mappingOf(folio);
    return mapping === null ? [] : placesInFile(system, mapping, folio);
  }
  const anonVma = system.anonVmaOf(folio);
  if (anonVma === null) return [];
  const first = system.memory.frames.index[folio] + anonVma.base;
  const pages = system.memory.frames.pages(folio);
  return [...anonVma.vmas].flatMap((vma) => clipped(vma, first, pages));
}

/** The mappings of a file that show any page of the folio, in the order of the interval tree. */
function placesInFile(system: MmSystem, mapping: AddressSpace, folio: number): FolioPlace[] {
  const first = system.memory.frames.index[folio];
  const pages = system.memory.frames.pages(folio);
  const places: FolioPlace[] = [];
  mapping.iMmap.forEachOverlap(first, first + pages - 1, (vma) => {
    places.push(...clipped(vma, first, pages));
  });
  return places;
}

function clipped(vma: Vma, first: number, pages: number): FolioPlace[] {
  const start = Math.max(vma.start, vma.addressOf(first));
  const end = Math.min(vma.end, vma.addressOf(first + pages));
  return start < end ? [{ vma, start, end }] : [];
}
