import { pageOf } from '../base/index.js';
import type { AddressSpace } from './address-space.js';
import { placesOfKsm } from './ksm-node.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_KSM } from './page-flags.js';
import type { PhysicalMemory } from './physical-memory.js';
import { pteFrame, ptePresent } from './pte.js';
import type { Vma } from './vma.js';

/** One mapping in which pages of a folio may appear, and the addresses at which they would. */
export interface FolioPlace {
  readonly vma: Vma;
  readonly start: number;
  readonly end: number;
}

/** rmap_walk: all mappings in which pages of a folio may appear, in the order of the interval tree. */
export function placesOf(system: MmSystem, folio: number): FolioPlace[] {
  if (!system.memory.frames.has(folio, PG_ANON)) {
    const mapping = system.mappingOf(folio);
    return mapping === null ? [] : placesInFile(system, mapping, folio);
  }
  if (system.memory.frames.has(folio, PG_KSM)) {
    const node = system.stableNodeOf(folio);
    return node === null ? [] : placesOfKsm(node);
  }
  const anonVma = system.anonVmaOf(folio);
  const places: FolioPlace[] = [];
  if (anonVma === null) return places;
  const first = system.memory.frames.index[folio] + anonVma.base;
  const pages = system.memory.frames.pages(folio);
  anonVma.vmas.forEachOverlap(first, first + pages - 1, (vma) => {
    places.push(clipped(vma, first, pages));
  });
  return places;
}

/** The mappings of a file that show any page of the folio. */
export function placesInFile(system: MmSystem, mapping: AddressSpace, folio: number): FolioPlace[] {
  const first = system.memory.frames.index[folio];
  const pages = system.memory.frames.pages(folio);
  const places: FolioPlace[] = [];
  mapping.iMmap.forEachOverlap(first, first + pages - 1, (vma) => {
    places.push(clipped(vma, first, pages));
  });
  return places;
}

/** What page_vma_mapped_walk finds of a folio at a place. */
export interface FolioEntries {
  /** A small entry. */
  small(page: number, pte: number): void;
  /** The huge entry around `page`. */
  huge(page: number, entry: number): void;
}

/**
 * page_vma_mapped_walk: the entries at a place that map the folio. There may be something else, a private copy for one.
 */
export function forEachEntry(memory: PhysicalMemory, place: FolioPlace, folio: number, found: FolioEntries): void {
  const { pageTable } = place.vma.mm;
  const first = pageOf(place.start);
  if (memory.frames.entireMapcount(folio) > 0) {
    const entry = pageTable.huge(first);
    if (ptePresent(entry) && pteFrame(entry) === folio) {
      found.huge(first, entry);
      return;
    }
  }
  pageTable.forEach(first, pageOf(place.end), (page, pte) => {
    if (ptePresent(pte) && memory.frames.folioOf(pteFrame(pte)) === folio) found.small(page, pte);
  });
}

function clipped(vma: Vma, first: number, pages: number): FolioPlace {
  return {
    vma,
    start: Math.max(vma.start, vma.addressOf(first)),
    end: Math.min(vma.end, vma.addressOf(first + pages)),
  };
}
