import { Errno, PAGE_SIZE, isErrno, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { PG_READAHEAD, PG_REFERENCED, PG_UPTODATE } from '../mm/index.js';
import { lockCachedFolio } from './filemap.js';
import type { Inode } from './inode.js';
import { asyncReadahead, syncReadahead } from './readahead.js';

/**
 * filemap_read, buffered read(2) into `target`; bytes behind the end of the file are not read. A page that is valid is
 * read without its lock, so under writeback too.
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
    const left = pageOf(offset + target.length - 1) - pageOf(at) + 1;
    const frame = yield* pageOrEnd(inode, pageOf(at), left, done);
    if (frame < 0) break;
    if (frame > 0) frames.set(frames.folioOf(frame), PG_REFERENCED);
    // The file may have shrunk while the page came from the disk.
    const bytes = Math.min(PAGE_SIZE - (at % PAGE_SIZE), target.length - done, inode.size - at);
    if (bytes <= 0) break;
    if (frame > 0) memory.contents.read(frame, at % PAGE_SIZE, target, done, bytes);
    else target.fill(0, done, done + bytes);
    done += bytes;
  }
  inode.readahead.prevPage = pageOf(Math.max(0, offset + done - 1));
  return done;
}

/** pageForRead; what cannot be read ends a read that has something, as memory that has run out does: -1. @throws Errno EIO */
function* pageOrEnd(inode: Inode, index: number, left: number, done: number): Task<number> {
  try {
    return yield* inode.fs.pageForRead(inode, index, left);
  } catch (error) {
    if (done > 0 && isErrno(error, 'EIO')) return -1;
    throw error;
  }
}

/** filemap_get_pages: the frame of a page, valid; -1 if memory has run out. @param wanted pages to be read from here on */
export function* cachedPage(inode: Inode, index: number, wanted: number): Task<number> {
  const { memory } = inode.fs.system;
  const { frames } = memory;
  let frame = inode.mapping.pages.get(index);
  if (frame === 0) {
    yield* syncReadahead(inode, index, wanted);
    frame = inode.mapping.pages.get(index);
  } else if (frames.has(frames.folioOf(frame), PG_READAHEAD)) {
    yield* asyncReadahead(inode, frames.folioOf(frame), index, wanted);
  }
  if (frame !== 0 && frames.has(frames.folioOf(frame), PG_UPTODATE)) return frame;
  const folio = yield* lockCachedFolio(inode, index);
  if (folio < 0) return -1;
  frame = folio + (index - frames.index[folio]);
  memory.unlockFolio(folio);
  memory.put(folio);
  return frame;
}
