import { Errno, PAGE_SIZE, pageAlignUp, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import {
  MAX_PGOFF,
  PG_DIRTY,
  folioMkclean,
  removeFromPageCache,
  splitCachedFolio,
  tryToUnmap,
  unmapMappingRange,
} from '../mm/index.js';
import { MAX_FILE_SIZE, lockFolioAt } from './filemap.js';
import type { Inode } from './inode.js';

/**
 * ftruncate(2). What happens to pages and blocks is the file system's `resize`; neither faults that bring pages in nor
 * writes come in between.
 *
 * @throws Errno EFBIG; EIO if the new last page cannot be read; ENOMEM
 */
export function* truncate(inode: Inode, size: number): Task {
  const { mapping, rwsem } = inode;
  if (size > MAX_FILE_SIZE) throw new Errno('EFBIG', `ftruncate of ${inode.name} to ${String(size)} bytes`);
  yield inode.fs.writers;
  yield rwsem.exclusive;
  yield mapping.invalidateLock.exclusive;
  try {
    yield* inode.fs.resize(inode, size);
  } finally {
    mapping.invalidateLock.releaseExclusive();
    rwsem.releaseExclusive();
  }
}

/**
 * truncate_pagecache: unmaps and drops the pages behind the end of the file, or from another byte on.
 *
 * Every mapping is told twice, before and after the pages go: a private copy may appear in between. A pin keeps the
 * frame but not its place in the file.
 */
export function* truncatePagecache(inode: Inode, from = inode.size): Task {
  const { mapping } = inode;
  const firstGone = Math.ceil(from / PAGE_SIZE);
  yield* unmapMappingRange(mapping, firstGone, MAX_PGOFF, true);
  yield* truncateInodePages(inode, from);
  yield* unmapMappingRange(mapping, firstGone, MAX_PGOFF, true);
}

/**
 * truncate_inode_pages_range: the file forgets bytes [start, end): first what holds nothing else, then the folios that the
 * edges cut, which are split if they can be, then what came of that. It waits for writeback. Pins do not matter.
 */
export function* truncateInodePages(inode: Inode, start: number, end = Infinity): Task {
  const { frames } = inode.fs.system.memory;
  let first = Math.ceil(start / PAGE_SIZE);
  let last = Math.floor(end / PAGE_SIZE);
  yield* dropFolios(inode, first, last);
  const head = yield* lockFolioAt(inode, pageOf(start));
  let same = pageOf(start) === pageOf(end - 1);
  if (head >= 0) {
    const next = frames.index[head] + frames.pages(head);
    same = end <= next * PAGE_SIZE;
    const index = frames.index[head];
    if (!(yield* truncatePartialFolio(inode, head, start, end))) {
      first = next;
      if (same) last = index;
    }
    unlockAndPut(inode, head);
  }
  const tail = same || end === Infinity ? -1 : yield* lockFolioAt(inode, pageOf(end - 1));
  if (tail >= 0) {
    const index = frames.index[tail];
    if (!(yield* truncatePartialFolio(inode, tail, start, end))) last = index;
    unlockAndPut(inode, tail);
  }
  yield* dropFolios(inode, first, last);
}

/** Drops the folios that lie in pages [first, last) as a whole. */
function* dropFolios(inode: Inode, first: number, last: number): Task {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const { frames } = memory;
  for (let index = mapping.pages.next(first, last); index >= 0; index = mapping.pages.next(index + 1, last)) {
    const folio = yield* lockFolioAt(inode, index);
    if (folio < 0) continue;
    if (frames.index[folio] >= first && frames.index[folio] + frames.pages(folio) <= last) {
      yield* memory.waitForWriteback(folio);
      yield* truncateInodeFolio(inode, folio);
    }
    unlockAndPut(inode, folio);
  }
}

function unlockAndPut(inode: Inode, folio: number): void {
  const { memory } = inode.fs.system;
  memory.unlockFolio(folio);
  memory.put(folio);
}

/** truncate_inode_folio: who mapped it meanwhile loses it again. */
function* truncateInodeFolio(inode: Inode, folio: number): Task {
  const { mapping, fs } = inode;
  const { frames } = fs.system.memory;
  const index = frames.index[folio];
  if (frames.folioMapcount(folio) > 0) {
    yield* unmapMappingRange(mapping, index, index + frames.pages(folio), false);
  }
  removeFromPageCache(fs.system, mapping, folio);
}

/**
 * truncate_inode_partial_folio: bytes [start, end) of the locked folio become zeros. A large folio is split there, so that
 * what lies inside can be dropped.
 *
 * @returns false if it stays as it is: it is dirty, and its file system cannot split it
 */
function* truncatePartialFolio(inode: Inode, folio: number, start: number, end: number): Task<boolean> {
  const { system } = inode.fs;
  const { frames } = system.memory;
  const size = frames.pages(folio) * PAGE_SIZE;
  const position = frames.index[folio] * PAGE_SIZE;
  const from = Math.max(0, start - position);
  const to = Math.min(size, end - position);
  yield* system.memory.waitForWriteback(folio);
  if (from === 0 && to === size) {
    yield* truncateInodeFolio(inode, folio);
    return true;
  }
  if (to <= from) return true;
  zeroPart(inode, folio, from, to);
  inode.fs.invalidateFolio?.(inode, folio, from, to);
  if (size === PAGE_SIZE) return true;
  if (yield* splitOrUnmap(inode, folio, pageOf(from))) {
    if (to < size) yield* splitAtEnd(inode, folio + pageOf(to));
    return true;
  }
  if (frames.has(folio, PG_DIRTY)) return false;
  yield* truncateInodeFolio(inode, folio);
  return true;
}

/**
 * folio_split_or_unmap: what cannot be split must at least not stay mapped beyond the end of the file. Shared memory is mapped
 * there anyway.
 */
function* splitOrUnmap(inode: Inode, folio: number, at: number): Task<boolean> {
  const { system } = inode.fs;
  if (yield* splitCachedFolio(system, folio, at)) return true;
  if (inode.mapping.options.isShmem !== true) yield* tryToUnmap(system, folio);
  return false;
}

/** Splits the large folio that has `frame` there, if it still has any, and nobody has it locked. */
function* splitAtEnd(inode: Inode, frame: number): Task {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const folio = memory.frames.folioOf(frame);
  // folio_try_get: what lay behind the end of the file went with the first split.
  if (!memory.frames.isAllocated(folio) || memory.frames.order(folio) === 0 || !memory.tryLockFolio(folio)) return;
  memory.frames.get(folio);
  if (fs.system.mappingOf(folio) === mapping) yield* splitOrUnmap(inode, folio, frame - folio);
  unlockAndPut(inode, folio);
}

/** folio_zero_range. */
function zeroPart(inode: Inode, folio: number, from: number, to: number): void {
  const { contents } = inode.fs.system.memory;
  for (let at = from; at < to;) {
    const within = at % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - within, to - at);
    contents.clear(folio + pageOf(at), within, bytes);
    at += bytes;
  }
}

/**
 * ext4_block_truncate_page: the rest of the page behind an end of the file, at `size`, becomes zeros on the disk too.
 * @returns whether there was anything to be zeroed
 */
export function* zeroTail(inode: Inode, size: number): Task<boolean> {
  return yield* inode.fs.zeroPart(inode, size, pageAlignUp(size));
}

/**
 * pagecache_isize_extended: the file grows from `from` to `to` bytes, and its old last page has blocks behind the old end
 * that have no place on the disk. The next write to it must come through page_mkwrite, which finds them one. What a dirty
 * folio has behind the old end becomes zeros, before anybody can see it.
 */
export function* pagecacheIsizeExtended(inode: Inode, from: number, to: number, blockSize: number): Task {
  const firstNew = Math.ceil(from / blockSize) * blockSize;
  if (blockSize >= PAGE_SIZE || to <= firstNew || firstNew % PAGE_SIZE === 0) return;
  const { system } = inode.fs;
  const { frames } = system.memory;
  const folio = yield* lockFolioAt(inode, pageOf(from));
  if (folio < 0) return;
  yield* mkcleanFolio(inode, folio);
  const position = frames.index[folio] * PAGE_SIZE;
  if (frames.has(folio, PG_DIRTY)) {
    zeroPart(inode, folio, from - position, Math.min(to - position, frames.pages(folio) * PAGE_SIZE));
  }
  unlockAndPut(inode, folio);
}

/** The next write to a page must come through page_mkwrite: its folio is made clean wherever it is mapped. */
export function* mkcleanPage(inode: Inode, page: number): Task {
  const folio = yield* lockFolioAt(inode, page);
  if (folio < 0) return;
  yield* mkcleanFolio(inode, folio);
  unlockAndPut(inode, folio);
}

function* mkcleanFolio(inode: Inode, folio: number): Task {
  const { system } = inode.fs;
  const cleaned = yield* folioMkclean(system, folio, { deviceWaitNs: 0 });
  if (cleaned > 0) system.markDirty(folio);
}
