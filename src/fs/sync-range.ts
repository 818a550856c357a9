import { pageOf } from '../base/index.js';
import { US, type Task } from '../engine/index.js';
import { invalidateMappingPages } from './invalidate.js';
import type { Inode } from './inode.js';
import { WHOLE_FILE, waitForWriteback, writeAndWait, writeInode, type PageRange } from './writeback.js';

/** The pages of bytes [start, last], `last` inclusive as in filemap_write_and_wait_range. */
function pagesOfBytes(start: number, last: number): PageRange {
  return { first: pageOf(start), end: pageOf(last) + 1 };
}

/** filemap_write_and_wait_range of bytes [start, last]. */
export function* filemapWriteAndWaitRange(inode: Inode, start: number, last: number): Task {
  yield* writeAndWait(inode, pagesOfBytes(start, last));
}

/** SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER. */
export type SyncFileRangeFlag = 'before' | 'write' | 'after';

/**
 * sync_file_range(2) of bytes [start, last]: data only, no metadata. Without both waits what is under writeback already
 * is passed over.
 */
export function* syncFileRange(inode: Inode, start: number, last: number, flags: ReadonlySet<SyncFileRangeFlag>): Task {
  const range = pagesOfBytes(start, last);
  if (flags.has('before')) yield* waitForWriteback(inode, range);
  if (flags.has('write')) {
    const mode = flags.has('before') && flags.has('after') ? 'sync' : 'background';
    yield* writeInode(inode, mode, range);
  }
  if (flags.has('after')) yield* waitForWriteback(inode, range);
}

/** ns until every CPU has drained its batches (lru_add_drain_all): a disk can write meanwhile, what then takes a worker is not done. */
const DRAIN_ALL_NS = 100 * US;

/**
 * posix_fadvise(POSIX_FADV_DONTNEED) of a whole file: begins to write it, and drops what is clean and not mapped. What had
 * to stay is looked at once more after a while, as it may only have been in some CPU's batch. Nothing
 * comes of it where there is nothing but the memory.
 */
export function* fadviseDontneed(inode: Inode): Task {
  if (inode.isDax || !inode.mapping.options.canWriteback) return;
  yield* writeInode(inode, 'background');
  if (invalidateMappingPages(inode, WHOLE_FILE)) return;
  inode.fs.system.lruBatches.drain();
  yield DRAIN_ALL_NS;
  invalidateMappingPages(inode, WHOLE_FILE);
}
