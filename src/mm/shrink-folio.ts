import type { Task } from '../engine/index.js';
import { placesOf } from './folio-places.js';
import type { MmSystem } from './mm-system.js';
import { removeIfUnused } from './page-cache.js';
import { PG_ANON, PG_DIRTY, PG_PRIVATE, PG_READAHEAD, PG_WRITEBACK } from './page-flags.js';
import { tryToUnmap } from './try-to-unmap.js';
import { VM_LOCKED } from './vma.js';

/**
 * shrink_folio_list (mm/vmscan.c), of one folio that is to go whether it was used or not: anonymous pages to the swap
 * device, clean pages of files nowhere. A dirty page of a file loses its mappings and stays in the cache: writing it is not
 * reclaim's business, so it is marked to go once that is done, as one is that is being written. The caller holds a reference.
 */
export function* shrinkFolio(system: MmSystem, folio: number): Task {
  const { memory } = system;
  const { frames } = memory;
  const anon = frames.has(folio, PG_ANON);
  // A pinned anonymous page could not be taken off its mm; one of a locked mapping is not on the lists that are looked at.
  if ((anon && frames.maybeDmaPinned(folio)) || isMlocked(system, folio)) return;
  if (!memory.tryLockFolio(folio)) return;
  if (frames.has(folio, PG_WRITEBACK)) {
    frames.set(folio, PG_READAHEAD);
    memory.unlockFolio(folio);
    return;
  }
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
  memory.unlockFolio(folio);
}

/** folio_test_mlocked. */
function isMlocked(system: MmSystem, folio: number): boolean {
  return placesOf(system, folio).some(({ vma }) => vma.has(VM_LOCKED));
}
