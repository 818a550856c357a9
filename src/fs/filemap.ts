import { Errno, PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { MAX_PGOFF, PG_REFERENCED, PG_UPTODATE, addToPageCache } from '../mm/index.js';
import type { Inode } from './inode.js';

/** s_maxbytes. */
export const MAX_FILE_SIZE = MAX_PGOFF * PAGE_SIZE;

/**
 * The folio that holds a page of the file, read from the disk if need be: valid, locked, with one reference for the
 * caller.
 *
 * @param overwritten the caller writes the whole page at once: what the disk has of it is not read
 * @returns -1 if memory has run out
 * @throws Errno EIO if the disk does not have what was written to it
 */
export function* lockCachedFolio(inode: Inode, index: number, overwritten = false): Task<number> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const { frames } = memory;
  for (;;) {
    let folio: number;
    const frame = mapping.pages.get(index);
    if (frame === 0) {
      const fresh = yield* fs.system.allocate(0);
      if (fresh < 0) return -1;
      folio = yield* instantiate(inode, fresh, index, overwritten);
      if (folio < 0) continue;
    } else {
      folio = frames.folioOf(frame);
      frames.get(folio);
      yield* memory.lockFolio(folio);
      if (fs.system.mappingOf(folio) !== mapping) {
        // Truncated or reclaimed while we waited for the lock.
        memory.unlockFolio(folio);
        memory.put(folio);
        continue;
      }
      frames.set(folio, PG_REFERENCED);
      if (!overwritten || frames.pages(folio) > 1) yield* fill(inode, folio);
    }
    if (overwritten || frames.has(folio, PG_UPTODATE)) return folio;
    memory.unlockFolio(folio);
    memory.put(folio);
    throw new Errno('EIO', `page ${String(index)} of ${inode.name} cannot be read`);
  }
}

/** Bytes to write, or null to write an anonymous pattern: only which write it was is kept. */
export type WriteData = Uint8Array | null;

/**
 * Buffered write(2): into the page cache, through write_begin and write_end.
 *
 * @returns the number of bytes written, less than asked for only if memory has run out
 * @throws Errno EINVAL for a negative offset; EFAULT for fewer bytes than are to be written; EFBIG; EIO if a page that is
 *   written in part cannot be read
 */
export function* writeToPageCache(inode: Inode, offset: number, length: number, data: WriteData): Task<number> {
  const { rwsem } = inode;
  const what = `write of ${String(length)} bytes at ${String(offset)} of ${inode.name}`;
  if (!(offset >= 0 && length >= 0)) throw new Errno('EINVAL', what);
  if (data !== null && data.length < length) throw new Errno('EFAULT', `${what} out of ${String(data.length)}`);
  if (offset + length > MAX_FILE_SIZE) throw new Errno('EFBIG', what);
  if (length === 0) return 0;
  yield rwsem.exclusive;
  try {
    inode.fs.updateTime(inode);
    if (offset > inode.size) yield* inode.fs.extend(inode, offset);
    return yield* writePages(inode, offset, length, data);
  } finally {
    rwsem.releaseExclusive();
  }
}

function* writePages(inode: Inode, offset: number, length: number, data: WriteData): Task<number> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const { frames } = memory;
  let done = 0;
  while (done < length) {
    const at = offset + done;
    const within = at % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - within, length - done);
    const folio = yield* lockCachedFolio(inode, pageOf(at), bytes === PAGE_SIZE);
    if (folio < 0) break;
    if (mapping.options.stableWrites) yield* memory.waitForWriteback(folio);
    fs.prepareWrite(inode, folio);
    const frame = folio + (pageOf(at) - frames.index[folio]);
    // As of now: a device may have written to the page while this task slept.
    memory.contents.write(frame, within, bytes, memory.nextStamp(), data, done);
    if (frames.pages(folio) === 1) frames.set(folio, PG_UPTODATE);
    fs.dirtyFolio(mapping, folio);
    mapping.size = Math.max(mapping.size, at + bytes);
    memory.unlockFolio(folio);
    memory.put(folio);
    done += bytes;
  }
  return done;
}

/**
 * Buffered read(2) into `target`; bytes behind the end of the file are not read. A page that is valid is read without its
 * lock, so under writeback too.
 *
 * @returns the number of bytes read
 * @throws Errno EINVAL for a negative offset; EIO
 */
export function* readFromPageCache(inode: Inode, offset: number, target: Uint8Array): Task<number> {
  const { memory } = inode.fs.system;
  const { frames } = memory;
  if (!(offset >= 0)) throw new Errno('EINVAL', `read at ${String(offset)} of ${inode.name}`);
  let done = 0;
  while (done < target.length && offset + done < inode.size) {
    const at = offset + done;
    const page = pageOf(at);
    let frame = inode.mapping.pages.get(page);
    if (frame === 0 || !frames.has(frames.folioOf(frame), PG_UPTODATE)) {
      const folio = yield* lockCachedFolio(inode, page);
      if (folio < 0) break;
      memory.unlockFolio(folio);
      frame = folio + (page - frames.index[folio]);
      memory.put(folio);
    }
    frames.set(frames.folioOf(frame), PG_REFERENCED);
    // The file may have shrunk while the page came from the disk.
    const bytes = Math.min(PAGE_SIZE - (at % PAGE_SIZE), target.length - done, inode.size - at);
    if (bytes <= 0) break;
    memory.contents.read(frame, at % PAGE_SIZE, target, done, bytes);
    done += bytes;
  }
  return done;
}

/**
 * filemap_add_folio and read_folio: puts a fresh folio into the cache, locked before anybody can see it, and fills it. The
 * invalidate_lock keeps truncation away until then: it would free the blocks that are being read.
 *
 * @returns the folio; -1 if another one is there by now
 */
function* instantiate(inode: Inode, fresh: number, index: number, overwritten: boolean): Task<number> {
  const { mapping, fs } = inode;
  const { system } = fs;
  // A truncation that zeroes its last page holds the lock itself.
  const mine = !mapping.invalidateLock.heldByMe;
  if (mine) yield mapping.invalidateLock.shared;
  const raced = mapping.pages.get(index) !== 0;
  if (raced) {
    system.memory.put(fresh);
  } else {
    system.memory.tryLockFolio(fresh);
    addToPageCache(system, mapping, fresh, index);
    if (!overwritten) yield* fill(inode, fresh);
  }
  if (mine) mapping.invalidateLock.releaseShared();
  return raced ? -1 : fresh;
}

/** Makes a locked folio valid if it is not, and if the disk can. */
function* fill(inode: Inode, folio: number): Task {
  const { frames } = inode.fs.system.memory;
  if (frames.has(folio, PG_UPTODATE)) return;
  if (yield* inode.fs.readFolio(inode, folio)) frames.set(folio, PG_UPTODATE);
}
