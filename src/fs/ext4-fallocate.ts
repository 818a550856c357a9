import { isPageAligned, pageAlignDown, pageAlignUp, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { checkShift, punchBlocks, shiftBlocks, type FallocateMode } from './fallocate.js';
import type { Inode } from './inode.js';
import { filemapWriteAndWaitRange } from './sync-range.js';
import { truncatePagecacheRange } from './truncate-range.js';
import { mkcleanPage, pagecacheIsizeExtended, truncatePagecache } from './truncate.js';
import { zeroEdges } from './zero-range.js';

/** ext4_fallocate. @param blockSize bytes; smaller than a page, or a page */
export function* ext4Fallocate(
  inode: Inode,
  mode: FallocateMode,
  offset: number,
  length: number,
  blockSize: number,
): Task {
  const end = offset + length;
  inode.fs.updateTime(inode);
  switch (mode) {
    case 'alloc':
      yield* grow(inode, end, blockSize);
      break;
    case 'punch':
      if (offset >= inode.size) return;
      yield* freeRange(inode, offset, end >= inode.size ? roundUp(inode.size, blockSize) : end, blockSize);
      break;
    case 'zero':
    case 'zero_keep_size':
      yield* freeRange(inode, offset, end, blockSize);
      if (mode === 'zero') yield* grow(inode, end, blockSize);
      break;
    case 'collapse':
      checkShift(inode, mode, offset, length);
      yield* filemapWriteAndWaitRange(inode, offset, offset);
      yield* filemapWriteAndWaitRange(inode, end, Infinity);
      yield* truncatePagecache(inode, offset);
      shiftBlocks(inode, end, -length);
      inode.fs.setSize(inode, inode.size - length);
      break;
    case 'insert':
      checkShift(inode, mode, offset, length);
      yield* filemapWriteAndWaitRange(inode, offset, Infinity);
      yield* truncatePagecache(inode, offset);
      shiftBlocks(inode, offset, length);
      inode.fs.setSize(inode, inode.size + length);
      break;
  }
}

/**
 * ext4_truncate_page_cache_block_range, and what follows it: pages that lose some of their blocks are to come through
 * page_mkwrite before they are written again; whole pages go; the rest of an edge's block becomes zeros.
 */
function* freeRange(inode: Inode, start: number, end: number, blockSize: number): Task {
  if ((!isPageAligned(start) || !isPageAligned(end)) && start < inode.size) {
    const boundary = pageAlignUp(start);
    yield* truncateFolio(inode, start, Math.min(boundary, end), blockSize);
    if (boundary < end) yield* truncateFolio(inode, pageAlignDown(end), end, blockSize);
  }
  yield* truncatePagecacheRange(inode, start, end);
  yield* zeroEdges(inode, start, end);
  punchBlocks(inode, start, end);
}

/** ext4_truncate_folio: bytes of one page are to go; what whole blocks of it are written to must come through page_mkwrite. */
function* truncateFolio(inode: Inode, start: number, end: number, blockSize: number): Task {
  if (roundUp(start, blockSize) < end - (end % blockSize)) yield* mkcleanPage(inode, pageOf(start));
}

/** ext4_alloc_file_blocks: the file reaches to `end` at least. */
function* grow(inode: Inode, end: number, blockSize: number): Task {
  const before = inode.size;
  if (end <= before) return;
  inode.fs.setSize(inode, end);
  yield* pagecacheIsizeExtended(inode, before, end, blockSize);
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
