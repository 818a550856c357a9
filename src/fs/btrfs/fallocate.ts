import { Errno, PAGE_SIZE, isPageAligned, pageAlignDown, pageAlignUp, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { HOLE } from '../block-map.js';
import type { FallocateMode } from '../fallocate.js';
import type { Inode } from '../inode.js';
import { truncatePagecacheRange } from '../truncate-range.js';
import type { BtrfsInode } from './btrfs-inode.js';
import { truncateBlock } from './truncate-block.js';

/** btrfs_fallocate. @throws Errno EOPNOTSUPP for collapse and insert */
export function* btrfsFallocate(
  inode: Inode,
  btrfs: BtrfsInode,
  mode: FallocateMode,
  offset: number,
  length: number,
): Task {
  if (mode === 'collapse' || mode === 'insert') throw new Errno('EOPNOTSUPP', `${mode} on btrfs`);
  const { fs } = inode;
  const end = offset + length;
  const blocks = { first: pageOf(offset), end: Math.ceil(end / PAGE_SIZE) };
  if (mode === 'punch') {
    yield* btrfs.waitOrderedRange(blocks);
    yield* punchHole(inode, btrfs, offset, end);
    return;
  }
  fs.updateTime(inode);
  if (end > inode.size) yield* truncateBlock(inode, inode.size, pageAlignUp(inode.size));
  yield* btrfs.waitOrderedRange(blocks);
  if (mode !== 'alloc') yield* zeroRange(inode, btrfs, offset, end);
  else preallocate(inode, blocks.first, blocks.end);
  if (mode !== 'zero_keep_size' && end > inode.size) fs.setSize(inode, end);
}

/** btrfs_punch_hole: what is a hole already at the beginning is passed over, and the rest of the range counts. */
function* punchHole(inode: Inode, btrfs: BtrfsInode, offset: number, end: number): Task {
  const fileEnd = pageAlignUp(inode.size);
  let start = firstNonHole(inode, offset, end);
  if (start >= end) return;
  inode.fs.updateTime(inode);
  if (pageOf(start) === pageOf(end - 1) && end - start < PAGE_SIZE) {
    if (start < fileEnd) yield* truncateBlock(inode, start, end);
    return;
  }
  let lockStart = pageAlignUp(start);
  const lockEnd = pageAlignDown(end);
  if (start < fileEnd) yield* truncateBlock(inode, start, lockStart);
  if (start === offset) {
    start = firstNonHole(inode, lockStart, end);
    if (start >= end) return;
    lockStart = start;
  }
  if (lockEnd < end && firstNonHole(inode, lockEnd, end) === lockEnd && end < fileEnd) {
    yield* truncateBlock(inode, lockEnd, end);
  }
  if (lockEnd > lockStart) yield* dropRange(inode, btrfs, lockStart, lockEnd);
}

/** btrfs_zero_range: whole blocks are dropped and allocated anew, without data; of a block at an edge the part is zeroed. */
function* zeroRange(inode: Inode, btrfs: BtrfsInode, offset: number, end: number): Task {
  let start = offset;
  while (start < end && isPreallocated(inode, pageOf(start))) start = (pageOf(start) + 1) * PAGE_SIZE;
  if (start >= end) return;
  let allocStart = pageAlignUp(start);
  let allocEnd = pageAlignDown(end);
  if (pageOf(start) === pageOf(end - 1)) {
    if (isPreallocated(inode, pageOf(start))) return;
    if (end - start < PAGE_SIZE && inode.blocks.block(pageOf(start)) !== HOLE) {
      yield* truncateBlock(inode, start, end);
      return;
    }
    allocStart = pageAlignDown(start);
    allocEnd = allocStart + PAGE_SIZE;
  } else {
    if (!isPageAligned(start)) {
      if (inode.blocks.block(pageOf(start)) === HOLE) allocStart -= PAGE_SIZE;
      else if (!isPreallocated(inode, pageOf(start))) yield* truncateBlock(inode, start, allocStart);
    }
    if (!isPageAligned(end)) {
      if (inode.blocks.block(pageOf(end)) === HOLE) allocEnd += PAGE_SIZE;
      else if (!isPreallocated(inode, pageOf(end))) yield* truncateBlock(inode, allocEnd, end);
    }
  }
  if (allocStart >= allocEnd) return;
  yield* dropRange(inode, btrfs, allocStart, allocEnd);
  preallocate(inode, pageOf(allocStart), pageOf(allocEnd));
}

/** btrfs_punch_hole_lock_range and btrfs_replace_file_extents, of whole pages. */
function* dropRange(inode: Inode, btrfs: BtrfsInode, start: number, end: number): Task {
  const range = { first: pageOf(start), end: pageOf(end) };
  yield* truncatePagecacheRange(inode, start, end);
  btrfs.forget(range);
  inode.blocks.punch(range.first, Math.min(range.end, inode.mapping.sizeInPages));
  inode.fs.metadataChanged(inode);
}

/** btrfs_prealloc_file_range: holes among pages [first, end) get blocks that read as zeros. */
function preallocate(inode: Inode, first: number, end: number): void {
  for (let page = first; page < end; page++) {
    if (inode.blocks.block(page) !== HOLE) continue;
    inode.blocks.set(page, { block: inode.fs.allocateBlock(), checksum: 0, unwritten: true });
  }
  inode.fs.metadataChanged(inode);
}

/** find_first_non_hole: `start`, or where the hole around it ends; `end` or more if it is all hole. */
function firstNonHole(inode: Inode, start: number, end: number): number {
  let page = pageOf(start);
  if (inode.blocks.block(page) !== HOLE) return start;
  while (page * PAGE_SIZE < end && inode.blocks.block(page) === HOLE) page++;
  return page * PAGE_SIZE;
}

function isPreallocated(inode: Inode, page: number): boolean {
  return inode.blocks.record(page)?.unwritten === true;
}
