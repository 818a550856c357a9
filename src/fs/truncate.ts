import { Errno, PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import {
  MAX_PGOFF,
  PG_DIRTY,
  folioMkclean,
  removeFromPageCache,
  splitCachedFolio,
  unmapMappingRange,
} from '../mm/index.js';
import { HOLE } from './block-map.js';
import { MAX_FILE_SIZE, lockCachedFolio } from './filemap.js';
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
 * truncate_pagecache: unmaps and drops the pages behind the end of the file.
 *
 * Every mapping is told twice, before and after the pages go: a private copy may appear in between. A pin keeps the
 * frame but not its place in the file.
 */
export function* truncatePagecache(inode: Inode): Task {
  const { mapping } = inode;
  const firstGone = mapping.sizeInPages;
  yield* unmapMappingRange(mapping, firstGone, MAX_PGOFF, true);
  yield* truncateInodePages(inode, inode.size);
  yield* unmapMappingRange(mapping, firstGone, MAX_PGOFF, true);
}

/**
 * truncate_inode_pages_range: waits for writeback, then the file forgets each folio of bytes [start, end), pinned or not.
 * A folio of which only a part lies there is split, and keeps the rest.
 */
export function* truncateInodePages(inode: Inode, start: number, end = Infinity): Task {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const last = Math.ceil(end / PAGE_SIZE);
  for (let index = mapping.pages.next(pageOf(start), last); index >= 0;) {
    const folio = memory.frames.folioOf(mapping.pages.get(index));
    memory.frames.get(folio);
    yield* memory.lockFolio(folio);
    yield* memory.waitForWriteback(folio);
    if (fs.system.mappingOf(folio) === mapping) yield* truncatePartialFolio(inode, folio, start, end);
    memory.unlockFolio(folio);
    memory.put(folio);
    index = mapping.pages.next(index + 1, last);
  }
}

/** truncate_inode_partial_folio: zeroes what goes, drops what can be dropped of the locked folio. */
function* truncatePartialFolio(inode: Inode, folio: number, start: number, end: number): Task {
  const { mapping, fs } = inode;
  const { system } = fs;
  const { frames } = system.memory;
  const size = frames.pages(folio) * PAGE_SIZE;
  const position = frames.index[folio] * PAGE_SIZE;
  const from = Math.max(0, start - position);
  const to = Math.min(size, end - position);
  if (to - from === size) {
    removeFromPageCache(system, mapping, folio);
    return;
  }
  zeroPart(inode, folio, from, to);
  fs.invalidateFolio(inode, folio, from, to);
  if (size === PAGE_SIZE) return;
  if (!(yield* splitCachedFolio(system, folio, pageOf(from)))) {
    if (frames.has(folio, PG_DIRTY)) return;
    yield* unmapMappingRange(mapping, position / PAGE_SIZE, (position + size) / PAGE_SIZE, true);
    removeFromPageCache(system, mapping, folio);
    return;
  }
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
 * ext4_block_truncate_page, btrfs_truncate_block: the rest of the page behind an end of the file, at `size`, becomes zeros
 * on the disk too: the page is read if it has to be, and dirtied. Of a hole there is nothing to be zeroed.
 *
 * @returns whether anything was
 */
export function* zeroTail(inode: Inode, size: number): Task<boolean> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const within = size % PAGE_SIZE;
  const page = pageOf(size);
  if (within === 0 || (mapping.pages.get(page) === 0 && inode.blocks.block(page) === HOLE)) return false;
  const folio = yield* lockCachedFolio(inode, page);
  if (folio < 0) throw new Errno('ENOMEM', `the last page of ${inode.name} cannot be zeroed`);
  yield* memory.waitForWriteback(folio);
  memory.contents.clear(mapping.pages.get(page), within, PAGE_SIZE - within);
  const kept = inode.blocks.block(page) !== HOLE || memory.frames.has(folio, PG_DIRTY);
  if (kept) {
    fs.prepareWrite(inode, folio);
    fs.dirtyFolio(mapping, folio);
  }
  memory.unlockFolio(folio);
  memory.put(folio);
  return kept;
}

/**
 * pagecache_isize_extended: the file grows from `from` to `to` bytes, and its old last page has blocks behind the old end
 * that have no place on the disk. The next write to it must come through page_mkwrite, which finds them one.
 */
export function* pagecacheIsizeExtended(inode: Inode, from: number, to: number, blockSize: number): Task {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const firstNew = Math.ceil(from / blockSize) * blockSize;
  const frame = mapping.pages.get(pageOf(from));
  if (blockSize >= PAGE_SIZE || to <= firstNew || firstNew % PAGE_SIZE === 0 || frame === 0) return;
  const folio = memory.frames.folioOf(frame);
  memory.frames.get(folio);
  yield* memory.lockFolio(folio);
  if (fs.system.mappingOf(folio) === mapping) {
    const cleaned = yield* folioMkclean(fs.system, folio, { deviceWaitNs: 0 });
    if (cleaned > 0) fs.system.markDirty(folio);
  }
  memory.unlockFolio(folio);
  memory.put(folio);
}
