import type { Task } from '../engine/index.js';
import {
  PG_DIRTY,
  PG_READAHEAD,
  PG_WRITEBACK,
  removeFromPageCache,
  removeIfUnused,
  unmapMappingRange,
} from '../mm/index.js';
import { lockFolioAt } from './filemap.js';
import type { Inode } from './inode.js';
import type { PageRange } from './writeback.js';

/**
 * invalidate_mapping_pages: the file forgets the folios of a range that are clean and that nobody maps, uses or has
 * locked. A folio that reaches out of the range stays.
 *
 * @returns false if another one had to stay
 */
export function invalidateMappingPages(inode: Inode, { first, end }: PageRange): boolean {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const { frames } = memory;
  let complete = true;
  for (let index = mapping.pages.next(first, end); index >= 0;) {
    const folio = frames.folioOf(mapping.pages.get(index));
    const next = frames.index[folio] + frames.pages(folio);
    if (frames.index[folio] >= first && next <= end && memory.tryLockFolio(folio)) {
      frames.get(folio);
      const evicted = mappingEvictFolio(inode, folio);
      if (!evicted) deactivateFileFolio(inode, folio);
      complete = evicted && complete;
      memory.unlockFolio(folio);
      memory.put(folio);
    }
    index = mapping.pages.next(next, end);
  }
  return complete;
}

/**
 * invalidate_inode_pages2_range: the file forgets every folio that has a page of the range, of large ones all of it. The
 * first mapped folio unmaps the rest of the range at once; one that is mapped beyond is unmapped whole.
 *
 * @returns false if a folio had to stay: it is dirty, or somebody uses it
 */
export function* invalidateInodePages2Range(inode: Inode, { first, end }: PageRange): Task<boolean> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const { frames } = memory;
  let unmapped = false;
  let complete = true;
  for (let index = mapping.pages.next(first, end); index >= 0;) {
    if (!unmapped && frames.folioMapcount(frames.folioOf(mapping.pages.get(index))) > 0) {
      yield* unmapMappingRange(mapping, index, end, false);
      unmapped = true;
    }
    const folio = yield* lockFolioAt(inode, index);
    if (folio >= 0) {
      yield* memory.waitForWriteback(folio);
      const next = frames.index[folio] + frames.pages(folio);
      if (frames.folioMapcount(folio) > 0) yield* unmapMappingRange(mapping, frames.index[folio], next, false);
      complete = invalidateFolio(inode, folio) && complete;
      memory.unlockFolio(folio);
      memory.put(folio);
      index = next - 1;
    }
    index = mapping.pages.next(index + 1, end);
  }
  return complete;
}

/** mapping_evict_folio: drops a locked folio, of which the caller has a reference, if it is clean and nobody else's. */
function mappingEvictFolio(inode: Inode, folio: number): boolean {
  return isReleasable(inode, folio) && removeIfUnused(inode.fs.system, inode.mapping, folio);
}

/**
 * deactivate_file_folio: what is to go but is dirty is marked as wanted back, unless it is mapped. Pages of files on disks are
 * among the oldest already, for which nothing is done; those that a fault read in would not be, and are not told apart.
 */
function deactivateFileFolio({ mapping, fs }: Inode, folio: number): void {
  const { frames } = fs.system.memory;
  if (mapping.options.isShmem !== true || frames.folioMapcount(folio) > 0) return;
  if (frames.has(folio, PG_DIRTY)) frames.set(folio, PG_READAHEAD);
}

/** folio_unmap_invalidate of a folio that nobody maps: drops it if it is clean, whoever has a reference, or a pin. */
function invalidateFolio(inode: Inode, folio: number): boolean {
  if (!isReleasable(inode, folio)) return false;
  removeFromPageCache(inode.fs.system, inode.mapping, folio);
  return true;
}

function isReleasable(inode: Inode, folio: number): boolean {
  const { mapping, fs } = inode;
  if (fs.system.memory.frames.has(folio, PG_DIRTY | PG_WRITEBACK)) return false;
  return mapping.ops.releaseFolio(mapping, folio);
}
