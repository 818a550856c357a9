import { Errno, PAGE_SIZE, isErrno, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { PG_UPTODATE } from '../mm/index.js';
import { MAX_FILE_SIZE } from './filemap.js';
import type { Inode } from './inode.js';

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
  yield inode.fs.writers;
  yield rwsem.exclusive;
  try {
    inode.fs.updateTime(inode);
    if (offset > inode.size) yield* inode.fs.extend(inode, offset);
    return yield* inode.fs.bufferedWrite(inode, offset, length, data);
  } finally {
    rwsem.releaseExclusive();
  }
}

/** generic_perform_write, iomap_write_iter: folio by folio, each as large as what is left to be written allows. */
export function* performWrite(inode: Inode, offset: number, length: number, data: WriteData): Task<number> {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const chunk = PAGE_SIZE << (mapping.options.maxOrder ?? 0);
  let done = 0;
  while (done < length) {
    const at = offset + done;
    const wanted = Math.min(chunk - (at % chunk), length - done);
    const folio = yield* folioOrEnd(inode, at, wanted, done);
    if (folio < 0) break;
    const end = (memory.frames.index[folio] + memory.frames.pages(folio)) * PAGE_SIZE;
    const bytes = Math.min(wanted, end - at);
    if (mapping.options.stableWrites) yield* memory.waitForWriteback(folio);
    const range = { first: pageOf(at), end: Math.ceil((at + bytes) / PAGE_SIZE) };
    const unsettled = fs.settle?.(inode, range) ?? null;
    if (unsettled !== null) {
      memory.unlockFolio(folio);
      memory.put(folio);
      yield* unsettled;
      continue;
    }
    fs.prepareWrite(inode, folio, range);
    copyIn(inode, at, bytes, data, done);
    const from = at - memory.frames.index[folio] * PAGE_SIZE;
    fs.writeEnd(mapping, folio, from, from + bytes);
    mapping.size = Math.max(mapping.size, at + bytes);
    memory.unlockFolio(folio);
    memory.put(folio);
    done += bytes;
  }
  return done;
}

/** write_begin; what cannot be had ends a write that has written something: -1. @throws Errno EIO */
function* folioOrEnd(inode: Inode, at: number, length: number, done: number): Task<number> {
  try {
    return yield* writeBegin(inode, at, length);
  } catch (error) {
    if (done > 0 && isErrno(error, 'EIO')) return -1;
    throw error;
  }
}

/**
 * write_begin: the locked folio at a byte of the file, made if need be with `length` as the hint for its size. What is
 * not overwritten of it is read.
 *
 * @returns -1 if memory has run out
 * @throws Errno EIO
 */
function* writeBegin(inode: Inode, at: number, length: number): Task<number> {
  const { memory } = inode.fs.system;
  const { frames } = memory;
  const index = pageOf(at);
  const folio = yield* inode.fs.folioForWrite(inode, index, orderOf(length));
  if (folio < 0 || frames.has(folio, PG_UPTODATE)) return folio;
  const start = frames.index[folio] * PAGE_SIZE;
  if (at <= start && at + length >= start + frames.pages(folio) * PAGE_SIZE) return folio;
  if (yield* inode.fs.readForWrite(inode, folio)) return folio;
  memory.unlockFolio(folio);
  memory.put(folio);
  throw new Errno('EIO', `page ${String(index)} of ${inode.name} cannot be read`);
}

/** fgf_set_order: the largest folio that so many bytes fill. */
function orderOf(length: number): number {
  return length < PAGE_SIZE ? 0 : 31 - Math.clz32(Math.floor(length / PAGE_SIZE));
}

/** copy_folio_from_iter_atomic. As of now: a device may have written to the pages while this task slept. */
function copyIn(inode: Inode, offset: number, length: number, data: WriteData, from: number): void {
  const { memory } = inode.fs.system;
  for (let done = 0; done < length;) {
    const at = offset + done;
    const within = at % PAGE_SIZE;
    const bytes = Math.min(PAGE_SIZE - within, length - done);
    const frame = inode.mapping.pages.get(pageOf(at));
    memory.contents.write(frame, within, bytes, memory.nextStamp(), data, from + done);
    done += bytes;
  }
}
