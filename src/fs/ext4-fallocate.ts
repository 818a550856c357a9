import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { checkShift, punchBlocks, type FallocateMode } from './fallocate.js';
import type { Inode } from './inode.js';
import { shiftBlocks } from './shift-blocks.js';
import { filemapWriteAndWaitRange } from './sync-range.js';
import { truncatePagecacheFrom, truncatePagecacheRange } from './truncate-range.js';
import { mkcleanPage, pagecacheIsizeExtended } from './truncate.js';
import { zeroRange } from './zero-range.js';

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
      yield* truncatePagecacheFrom(inode, offset);
      shiftBlocks(inode, end, -length);
      break;
    case 'insert':
      checkShift(inode, mode, offset, length);
      yield* filemapWriteAndWaitRange(inode, offset, Infinity);
      yield* truncatePagecacheFrom(inode, offset);
      shiftBlocks(inode, offset, length);
      break;
  }
}

/**
 * ext4_truncate_page_cache_block_range, and what follows it: pages that lose some of their blocks are to come through
 * page_mkwrite before they are written again; whole pages go; the rest of an edge's block becomes zeros.
 */
function* freeRange(inode: Inode, start: number, end: number, blockSize: number): Task {
  const ragged = start % PAGE_SIZE !== 0 || end % PAGE_SIZE !== 0;
  if (ragged && blockSize < PAGE_SIZE && start < inode.size) {
    const boundary = roundUp(start, PAGE_SIZE);
    yield* pagecacheIsizeExtended(inode, start, Math.min(boundary, end), blockSize);
    if (boundary < end && end % PAGE_SIZE >= blockSize) yield* mkcleanPage(inode, pageOf(end));
  }
  yield* truncatePagecacheRange(inode, start, end);
  yield* zeroRange(inode, start, Math.min(end, roundUp(start, PAGE_SIZE)));
  if (roundUp(start, PAGE_SIZE) < end) yield* zeroRange(inode, Math.max(start, end - (end % PAGE_SIZE)), end);
  punchBlocks(inode, start, end);
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
