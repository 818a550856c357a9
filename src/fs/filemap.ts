import { Errno, PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { MAX_PGOFF, PG_REFERENCED, PG_UPTODATE, addToPageCache } from '../mm/index.js';
import type { Inode } from './inode.js';

/** s_maxbytes. */
export const MAX_FILE_SIZE = MAX_PGOFF * PAGE_SIZE;

/**
 * The folio that holds a page of the file, read from the disk if need be: valid, locked, with one reference for the
 * caller.
 *
 * @returns -1 if memory has run out
 * @throws Errno EIO if the disk does not have what was written to it
 */
export function* lockCachedFolio(inode: Inode, index: number): Task<number> {
  const { memory } = inode.fs.system;
  const folio = yield* filemapGetFolio(inode, index, 0, true);
  if (folio < 0 || memory.frames.has(folio, PG_UPTODATE)) return folio;
  memory.unlockFolio(folio);
  memory.put(folio);
  throw new Errno('EIO', `page ${String(index)} of ${inode.name} cannot be read`);
}

/**
 * __filemap_get_folio: the folio that holds a page of the file, locked, with one reference for the caller. If there is
 * none, makes one: of 2^`order` pages at most, fewer where the page is not aligned to that or others are in the way.
 *
 * @param read whether a folio that is not valid is read from the disk; it is still not valid if that failed
 * @returns -1 if memory has run out
 */
export function* filemapGetFolio(inode: Inode, index: number, order: number, read: boolean): Task<number> {
  for (;;) {
    const folio = yield* lockFolioAt(inode, index);
    if (folio < 0) {
      const fresh = yield* create(inode, index, order, read);
      if (fresh !== RACED) return fresh;
      continue;
    }
    inode.fs.system.memory.frames.set(folio, PG_REFERENCED);
    if (read) yield* fill(inode, folio);
    return folio;
  }
}

/** The folio that holds a page, locked and referenced; -1 if none does. */
export function* lockFolioAt(inode: Inode, index: number): Task<number> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  for (;;) {
    const frame = mapping.pages.get(index);
    if (frame === 0) return -1;
    const folio = memory.frames.folioOf(frame);
    memory.frames.get(folio);
    yield* memory.lockFolio(folio);
    if (mapping.pages.get(index) === frame && memory.frames.folioOf(frame) === folio) return folio;
    // Truncated, reclaimed or split while we waited for the lock.
    memory.unlockFolio(folio);
    memory.put(folio);
  }
}

/**
 * filemap_add_folio: puts a fresh folio into the cache, locked before anybody can see it, unless one of its pages is
 * there. It keeps the caller's reference.
 */
export function tryAddFolio(inode: Inode, folio: number, index: number): boolean {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  if (mapping.pages.next(index, index + memory.frames.pages(folio)) >= 0) return false;
  memory.tryLockFolio(folio);
  addToPageCache(fs.system, mapping, folio, index);
  fs.system.lruBatches.addLru(folio);
  return true;
}

/** The order of a folio for page `index`: `order`, less where the page is not aligned to it, and what the file allows. */
export function alignedOrder(inode: Inode, index: number, order: number): number {
  let fitting = Math.min(order, inode.mapping.options.maxOrder ?? 0);
  while (index % (1 << fitting) !== 0) fitting--;
  return fitting;
}

/** Another folio came between: look again. */
export const RACED = -2;

/**
 * Makes a folio for page `index` and fills it if asked. The invalidate_lock keeps truncation away until then: it would
 * free the blocks that are being read.
 */
function* create(inode: Inode, index: number, order: number, read: boolean): Task<number> {
  const { mapping, fs } = inode;
  const { system } = fs;
  for (let attempt = alignedOrder(inode, index, order); attempt >= 0; attempt--) {
    if (mapping.pages.next(index, index + (1 << attempt)) >= 0) continue;
    const fresh = attempt > 0 ? system.memory.allocate(attempt) : yield* system.allocate(0);
    if (fresh < 0) {
      if (attempt === 0) return -1;
      continue;
    }
    // A truncation that zeroes its last page holds the lock itself.
    const mine = !mapping.invalidateLock.heldByMe;
    if (mine) yield mapping.invalidateLock.shared;
    const added = tryAddFolio(inode, fresh, index);
    if (added && read) yield* fill(inode, fresh);
    if (mine) mapping.invalidateLock.releaseShared();
    if (added) return fresh;
    system.memory.put(fresh);
  }
  return RACED;
}

/** Makes a locked folio valid if it is not, and if the disk can. */
function* fill(inode: Inode, folio: number): Task {
  if (!inode.fs.system.memory.frames.has(folio, PG_UPTODATE)) yield* inode.fs.readFolios(inode, [folio]);
}
