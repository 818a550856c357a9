import type { Task } from '../engine/index.js';
import { placesOf } from './folio-places.js';
import type { MmSystem } from './mm-system.js';
import { removeIfUnused } from './page-cache.js';
import { PG_ANON, PG_DIRTY, PG_PRIVATE, PG_READAHEAD, PG_SWAPBACKED, PG_WRITEBACK } from './page-flags.js';
import { splitFolioToList } from './split-folio.js';
import { tryToUnmap } from './try-to-unmap.js';
import { VM_LOCKED } from './vma.js';

/**
 * shrink_folio_list (mm/vmscan.c), of folios that are to go whether they were used or not: anonymous pages to the swap
 * device, clean pages of files nowhere. A dirty page of a file loses its mappings and stays in the cache, marked as wanted
 * back: writing it is not reclaim's business. Drops the caller's references.
 *
 * The list is read from its end, where pages of a folio that is split are added: they come next, the last one first.
 */
export function* shrinkFolioList(system: MmSystem, folios: readonly number[]): Task {
  const list = [...folios].reverse();
  for (let folio = list.pop(); folio !== undefined; folio = list.pop()) {
    yield* shrinkFolio(system, folio, list);
    system.memory.put(folio);
  }
}

function* shrinkFolio(system: MmSystem, folio: number, list: number[]): Task {
  const { memory } = system;
  const { frames } = memory;
  const swappable = frames.has(folio, PG_ANON) && frames.has(folio, PG_SWAPBACKED);
  // What is pinned could not be taken off its mm; what a locked mapping shows is not on the lists that are looked at.
  if ((swappable && frames.maybeDmaPinned(folio)) || isMlocked(system, folio)) return;
  if (!memory.tryLockFolio(folio)) return;
  // folio_set_reclaim, here and below.
  if (frames.has(folio, PG_WRITEBACK)) frames.set(folio, PG_READAHEAD);
  else if (yield* splitIfPartiallyMapped(system, folio, list)) yield* pageOut(system, folio);
  memory.unlockFolio(folio);
}

/** Pages that are not mapped any more need no I/O to be freed. @returns false if the folio waits to be split and cannot be */
function* splitIfPartiallyMapped(system: MmSystem, folio: number, list: number[]): Task<boolean> {
  const { frames } = system.memory;
  if (!frames.has(folio, PG_ANON) || !frames.has(folio, PG_SWAPBACKED) || !frames.isPartiallyMapped(folio)) return true;
  const parts = yield* splitFolioToList(system, folio);
  list.push(...(parts ?? []));
  return parts !== null;
}

function* pageOut(system: MmSystem, folio: number): Task {
  const { frames } = system.memory;
  const unmapped = yield* tryToUnmap(system, folio, false);
  const mapping = system.mappingOf(folio);
  if (unmapped && mapping !== null && !frames.maybeDmaPinned(folio)) {
    if (mapping.ops.swapOut !== undefined) {
      yield* mapping.ops.swapOut(mapping, folio);
    } else if (frames.has(folio, PG_DIRTY)) {
      frames.set(folio, PG_READAHEAD);
    } else {
      const released = !frames.has(folio, PG_PRIVATE) || mapping.ops.releaseFolio(mapping, folio);
      if (released) removeIfUnused(system, mapping, folio);
    }
  }
}

/** folio_test_mlocked. */
function isMlocked(system: MmSystem, folio: number): boolean {
  return placesOf(system, folio).some(({ vma }) => vma.has(VM_LOCKED));
}
