import { PAGE_SIZE, isPageAligned, pageAlignDown, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { checkShift, punchBlocks, shiftBlocks, type FallocateMode } from './fallocate.js';
import type { Inode } from './inode.js';
import { filemapWriteAndWaitRange } from './sync-range.js';
import { truncatePagecacheRange } from './truncate-range.js';
import { zeroEdges } from './zero-range.js';

/** xfs_file_fallocate. */
export function* xfsFallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
  const end = offset + length;
  inode.fs.updateTime(inode);
  switch (mode) {
    case 'alloc':
      if (end > inode.size) yield* inode.fs.resize(inode, end);
      break;
    case 'punch':
      yield* freeFileSpace(inode, offset, end);
      break;
    case 'zero':
    case 'zero_keep_size':
      yield* freeFileSpace(inode, offset, end);
      if (mode === 'zero' && end > inode.size) yield* inode.fs.resize(inode, end);
      break;
    case 'collapse':
      checkShift(inode, mode, offset, length);
      yield* freeFileSpace(inode, offset, end);
      yield* prepareShift(inode, offset);
      shiftBlocks(inode, end, -length);
      yield* inode.fs.resize(inode, inode.size - length);
      break;
    case 'insert':
      checkShift(inode, mode, offset, length);
      yield* inode.fs.resize(inode, inode.size + length);
      yield* prepareShift(inode, offset);
      shiftBlocks(inode, offset, length);
      break;
  }
}

/** xfs_free_file_space: writes and drops every page of the range, then zeroes what it has of the blocks at its edges. */
function* freeFileSpace(inode: Inode, start: number, end: number): Task {
  yield* flushUnmapRange(inode, start, end);
  punchBlocks(inode, start, end);
  if (start >= inode.size) return;
  const stop = Math.min(end, inode.size);
  yield* zeroEdges(inode, start, stop);
  // What the last page has behind the end becomes zeros in its writeback.
  if (end >= inode.size && !isPageAligned(stop)) yield* filemapWriteAndWaitRange(inode, stop, Infinity);
}

/** xfs_flush_unmap_range: outwards to whole pages. */
function* flushUnmapRange(inode: Inode, start: number, end: number): Task {
  const from = pageAlignDown(start);
  const to = pageAlignUp(end);
  yield* filemapWriteAndWaitRange(inode, from, to - 1);
  yield* truncatePagecacheRange(inode, from, to);
}

/** xfs_prepare_shift: from the block before the first that moves, to the end of the file and beyond. */
function* prepareShift(inode: Inode, offset: number): Task {
  const from = Math.max(0, offset - PAGE_SIZE);
  yield* flushUnmapRange(inode, from, from + inode.size);
}
