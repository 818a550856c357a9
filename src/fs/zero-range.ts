import { Errno, PAGE_SIZE, pageAlignDown, pageAlignUp, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { PG_DIRTY } from '../mm/index.js';
import { HOLE } from './block-map.js';
import { lockCachedFolio } from './filemap.js';
import type { Inode } from './inode.js';

/** What bytes [start, end) have of the pages at their edges, not all of them, becomes zeros. @throws Errno EIO, ENOMEM */
export function* zeroEdges(inode: Inode, start: number, end: number): Task {
  const { fs } = inode;
  const boundary = pageAlignUp(start);
  yield* fs.zeroPart(inode, start, Math.min(end, boundary));
  if (boundary < end) yield* fs.zeroPart(inode, pageAlignDown(end), end);
}

/**
 * ext4_block_zero_page_range, iomap_zero_range, btrfs_truncate_block: bytes [start, end) of one page become zeros, on the
 * disk too: the page is read if it has to be, and dirtied. Of a hole there is nothing to be zeroed.
 *
 * @returns whether anything was
 * @throws Errno EIO, ENOMEM
 */
export function* zeroCachedPart(inode: Inode, start: number, end: number): Task<boolean> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const page = pageOf(start);
  if (start >= end || end - start === PAGE_SIZE || page >= mapping.sizeInPages) return false;
  if (mapping.pages.get(page) === 0 && inode.blocks.block(page) === HOLE) return false;
  const folio = yield* lockCachedFolio(inode, page);
  if (folio < 0) throw new Errno('ENOMEM', `page ${String(page)} of ${inode.name} cannot be zeroed`);
  yield* memory.waitForWriteback(folio);
  memory.contents.clear(mapping.pages.get(page), start % PAGE_SIZE, end - start);
  const kept = inode.blocks.block(page) !== HOLE || memory.frames.has(folio, PG_DIRTY);
  if (kept) {
    fs.prepareWrite(inode, folio, { first: page, end: page + 1 });
    fs.dirtyFolio(mapping, folio);
  }
  memory.unlockFolio(folio);
  memory.put(folio);
  return kept;
}
