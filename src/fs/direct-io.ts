import { Errno, isErrno, PAGE_SIZE, pageOf } from '../base/index.js';
import { Condition, type Task } from '../engine/index.js';
import { pinUserPagesFast, unpinUserPages, type MmStruct, type MmSystem, type PinFlags } from '../mm/index.js';
import type { Inode } from './inode.js';
import { invalidateInodePages2Range } from './invalidate.js';
import { readPages } from './read-pages.js';
import { filemapWriteAndWaitRange } from './sync-range.js';
import type { PageRange } from './writeback.js';

/** O_DIRECT read(2) into frames of memory, a page each. @returns bytes read: fewer than asked for at the end of the file */
export function* directRead(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
  return yield* inode.fs.directRead(inode, offset, frames);
}

/**
 * iomap_dio_rw for a read. What is dirty of the range is written first.
 *
 * @param offset bytes, a multiple of the page size
 * @returns bytes read: fewer than asked for at the end of the file
 * @throws Errno EIO if data were lost before, once
 */
export function* iomapDioRead(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
  const { rwsem } = inode;
  if (offset >= inode.size) return 0;
  yield rwsem.shared;
  try {
    yield* filemapWriteAndWaitRange(inode, offset, offset + frames.length * PAGE_SIZE - 1);
    if (inode.mapping.checkErrors()) throw new Errno('EIO', `data of ${inode.name} were lost`);
    const length = Math.min(frames.length * PAGE_SIZE, inode.size - offset);
    const first = pageOf(offset);
    const pages = Math.ceil(length / PAGE_SIZE);
    yield* readPages(
      inode,
      Array.from({ length: pages }, (_, i) => ({ page: first + i, frame: frames[i] })),
    );
    return length;
  } finally {
    rwsem.releaseShared();
  }
}

/**
 * O_DIRECT write(2) from frames of memory, a page each.
 * @param offset bytes, a multiple of the page size
 * @returns bytes written
 */
export function* directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
  const { fs, rwsem } = inode;
  yield fs.writers;
  yield rwsem.exclusive;
  try {
    fs.updateTime(inode);
    if (offset > inode.size) yield* fs.extend(inode, offset);
    return yield* fs.directWrite(inode, offset, frames);
  } finally {
    rwsem.releaseExclusive();
  }
}

/**
 * iomap_dio_rw for a write: the page cache gives up the range before, what it has is written first, and again after. The
 * caller holds i_rwsem.
 *
 * @param blockOf the block that takes a page of the file
 */
export function* iomapDioWrite(
  inode: Inode,
  offset: number,
  frames: ArrayLike<number>,
  blockOf: (page: number) => number,
): Task<number> {
  const { fs } = inode;
  const { simulation, memory } = fs.system;
  const first = pageOf(offset);
  const range = { first, end: first + frames.length };
  const length = frames.length * PAGE_SIZE;
  yield* invalidatePages(inode, range);
  const completed = new Condition(simulation, `direct I/O of ${inode.name}`);
  let left = frames.length;
  for (let i = 0; i < frames.length; i++) {
    const block = blockOf(first + i);
    fs.device.submitWrite(memory.contents, frames[i], block, () => {
      const end = offset + (i + 1) * PAGE_SIZE;
      inode.mapping.size = Math.max(inode.size, end);
      fs.pageWritten(inode, first + i, { block, checksum: 0 }, end);
      if (--left === 0) completed.notifyAll();
    });
  }
  while (left > 0) yield completed;
  yield* invalidatePages(inode, range);
  return length;
}

/** kiocb_invalidate_pages. */
function* invalidatePages(inode: Inode, { first, end }: PageRange): Task {
  yield* filemapWriteAndWaitRange(inode, first * PAGE_SIZE, end * PAGE_SIZE - 1);
  yield* invalidateInodePages2Range(inode, { first, end });
}

/**
 * O_DIRECT I/O between a file and the memory of a process (iomap_dio_bio_iter), which is pinned while it lasts. A page that
 * is written to is faulted in for writing, and dirty afterwards.
 *
 * What lies before a page that cannot be pinned is transferred all the same; then the rest is tried once more, and once more
 * as a request of its own, before the call fails.
 *
 * @param direction `read`: from the file into memory
 * @returns bytes transferred
 * @throws Errno EFAULT if a page cannot be pinned; ENOMEM
 */
export function* directIoWithMemory(
  inode: Inode,
  offset: number,
  direction: 'read' | 'write',
  mm: MmStruct,
  address: number,
  length: number,
): Task<number> {
  const flags = { write: direction === 'read', longterm: false };
  const pages = length / PAGE_SIZE;
  const frames = yield* pinUserPagesFast(mm, address, pages, flags);
  const end = address + frames.length * PAGE_SIZE;
  let failure: Errno | null = null;
  if (frames.length < pages) {
    // bio_iov_iter_get_pages fills its bio; the loop around it wants another one; iomap_iter begins anew.
    for (let attempt = 0; attempt < 3; attempt++) failure = yield* failureOfPin(mm, end, flags);
  }
  const done = yield* transfer(inode, offset, direction, mm.system, frames);
  if (failure !== null) throw failure;
  return done;
}

/** Why the page at `address` cannot be pinned. */
function* failureOfPin(mm: MmStruct, address: number, flags: PinFlags): Task<Errno | null> {
  try {
    unpinUserPages(mm.system, yield* pinUserPagesFast(mm, address, 1, flags));
    return null;
  } catch (error) {
    if (isErrno(error)) return error;
    throw error;
  }
}

/** Direct I/O of pinned memory, and the end of the pin. */
function* transfer(
  inode: Inode,
  offset: number,
  direction: 'read' | 'write',
  system: MmSystem,
  frames: Int32Array,
): Task<number> {
  try {
    if (direction === 'write') return yield* directWrite(inode, offset, frames);
    const done = yield* directRead(inode, offset, frames);
    for (const frame of frames) system.markDirty(system.memory.frames.folioOf(frame));
    return done;
  } finally {
    unpinUserPages(system, frames);
  }
}

/**
 * Frames that hold `length` bytes, for direct I/O of a buffer that no process maps; free them with `freeBuffer`.
 * @throws Errno ENOMEM
 */
export function* allocateBuffer(inode: Inode, length: number): Task<number[]> {
  const frames: number[] = [];
  for (let at = 0; at < length; at += PAGE_SIZE) {
    const frame = yield* inode.fs.system.allocate(0);
    if (frame < 0) {
      freeBuffer(inode, frames);
      throw new Errno('ENOMEM', `a buffer of ${String(length)} bytes`);
    }
    frames.push(frame);
  }
  return frames;
}

export function freeBuffer(inode: Inode, frames: readonly number[]): void {
  for (const frame of frames) inode.fs.system.memory.put(frame);
}
