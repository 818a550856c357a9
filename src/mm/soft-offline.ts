import type { Task } from '../engine/index.js';
import type { FailureResult } from './memory-failure.js';
import { migratePages } from './migrate.js';
import type { MmSystem } from './mm-system.js';
import { removeIfUnused } from './page-cache.js';
import { PG_DIRTY, PG_HUGETLB, PG_HWPOISON, PG_PRIVATE, PG_RESERVED, PG_WRITEBACK } from './page-flags.js';
import { splitFolio } from './split-folio.js';

/**
 * soft_offline_page (mm/memory-failure.c): a frame is not to be trusted any longer, though its data are good. They move to
 * another frame of the same node, as in any migration; the frame is never given out again. The caller's reference goes.
 *
 * @returns EBUSY if somebody refers to the page, or its folio cannot be split; EIO if it is not an ordinary page
 */
export function* softOfflinePage(system: MmSystem, frame: number): Task<FailureResult> {
  const { memory } = system;
  const { frames } = memory;
  let folio = frames.folioOf(frame);
  if (system.isZero(frame)) return frames.has(frame, PG_HWPOISON) ? null : 'EIO';
  // pfn_to_online_page: memory of a device is none of ours.
  const ours = !frames.has(folio, PG_RESERVED);
  if (!ours || frames.has(frame, PG_HWPOISON)) {
    memory.put(folio);
    return ours ? null : 'EIO';
  }
  const hugetlb = frames.has(folio, PG_HUGETLB);
  yield* memory.lockFolio(folio);
  if (!hugetlb && frames.pages(folio) > 1) {
    if (!(yield* splitFolio(system, folio, frame))) {
      memory.unlockFolio(folio);
      memory.put(folio);
      return 'EBUSY';
    }
    folio = frame;
  }
  if (!hugetlb) yield* memory.waitForWriteback(folio);
  const evicted = !hugetlb && mappingEvictFolio(system, folio);
  memory.unlockFolio(folio);
  if (evicted) memory.put(folio);
  else if ((yield* migratePages(system, [folio], memory.nodeOf(folio))) > 0) return 'EBUSY';
  // page_handle_poison
  return memory.isolate(frame) ? null : 'EBUSY';
}

/** mapping_evict_folio: a clean page that nobody maps need not move. */
function mappingEvictFolio(system: MmSystem, folio: number): boolean {
  const { frames } = system.memory;
  const mapping = system.mappingOf(folio);
  if (mapping === null || frames.has(folio, PG_DIRTY | PG_WRITEBACK)) return false;
  if (frames.refcount[folio] > frames.pages(folio) + 1) return false;
  if (frames.has(folio, PG_PRIVATE) && !mapping.ops.releaseFolio(mapping, folio)) return false;
  return removeIfUnused(system, mapping, folio);
}
