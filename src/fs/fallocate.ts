import { Errno, PAGE_SIZE, isPageAligned } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { HOLE } from './block-map.js';
import { MAX_FILE_SIZE } from './filemap.js';
import type { Inode } from './inode.js';

/** Modes of fallocate(2). Punching keeps the size, as Linux demands. */
export type FallocateMode = 'alloc' | 'punch' | 'zero' | 'zero_keep_size' | 'collapse' | 'insert';

/**
 * fallocate(2) of bytes [offset, offset + length).
 * @throws Errno EINVAL, EFBIG; EOPNOTSUPP if the file system does not have the mode; what the file system says
 */
export function* fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
  const { mapping, rwsem, fs } = inode;
  const what = `fallocate ${mode} of ${String(length)} bytes at ${String(offset)} of ${inode.name}`;
  if (!(offset >= 0 && length > 0)) throw new Errno('EINVAL', what);
  if (offset + length > MAX_FILE_SIZE) throw new Errno('EFBIG', what);
  yield fs.writers;
  yield rwsem.exclusive;
  yield mapping.invalidateLock.exclusive;
  try {
    yield* fs.fallocate(inode, mode, offset, length);
  } finally {
    mapping.invalidateLock.releaseExclusive();
    rwsem.releaseExclusive();
  }
}

/**
 * What a range that is taken out of a file, or put into it, has to be.
 * @throws Errno EINVAL unless it is aligned to blocks, and ends (collapse) or begins (insert) within the file
 */
export function checkShift(inode: Inode, mode: 'collapse' | 'insert', offset: number, length: number): void {
  const aligned = isPageAligned(offset) && isPageAligned(length);
  const within = mode === 'collapse' ? offset + length < inode.size : offset < inode.size;
  if (!aligned || !within) throw new Errno('EINVAL', `${mode} of ${String(length)} bytes at ${String(offset)}`);
}

/** Pages that lie in bytes [start, end) of the file as a whole, and have lost their blocks now. */
export function punchBlocks(inode: Inode, start: number, end: number): void {
  const { fs, blocks, mapping } = inode;
  // The last page of a file is one block, whatever of it lies behind the end.
  const reach = end >= mapping.size ? mapping.sizeInPages : Math.floor(end / PAGE_SIZE);
  blocks.punch(Math.ceil(start / PAGE_SIZE), reach);
  fs.metadataChanged(inode);
}

/**
 * The blocks behind a byte of the file, to its end, move by a multiple of a page: collapse takes away what lies before
 * them, insert leaves a hole there. The caller sees to the size.
 */
export function shiftBlocks(inode: Inode, from: number, by: number): void {
  const { fs, blocks, mapping } = inode;
  const first = from / PAGE_SIZE;
  const end = mapping.sizeInPages;
  for (let page = first; page < end; page++) {
    const block = blocks.block(page);
    if (block !== HOLE) fs.shareBlock(block);
  }
  blocks.shift(first, end, by / PAGE_SIZE);
  fs.metadataChanged(inode);
}
