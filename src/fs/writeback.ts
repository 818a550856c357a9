import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { PG_DIRTY, PG_READAHEAD, PG_WRITEBACK, folioMkclean, type MmSystem, type RmapCost } from '../mm/index.js';
import type { Inode } from './inode.js';

/** What one pass of writeback cost. */
export interface WritebackCost extends RmapCost {
  /** Folios handed to the disk. */
  folios: number;
}

/** WB_SYNC_ALL: every page that is dirty now, and wait. WB_SYNC_NONE: what is not under writeback already. */
export type WritebackMode = 'sync' | 'background';

/** Pages [first, end) of a file. A large folio of which a part is meant is meant as a whole. */
export interface PageRange {
  readonly first: number;
  readonly end: number;
}

export const WHOLE_FILE: PageRange = { first: 0, end: Infinity };

/**
 * The order in which one folio is written, which everything here depends on:
 *
 *   W0  find it by its mark, lock it
 *   W1  still this file's, still dirty? under writeback: wait (sync) or skip (background)
 *   W2  clear_dirty_for_io: mkclean every mapping (drivers are told), a dirty entry dirties the folio, clear dirty
 *   W3  the file system finds or allocates its blocks; bytes behind the end of the file become zeros
 *   W4  start_writeback
 *   W5  unlock: from here on a write fault can come through, unless the file system wants stable pages
 *   W6  checksum, if there is one; the disk fetches the page
 *   W7  end_writeback, from the disk's completion
 *
 * W0 to W2 are here, W3 to W6 are the file system's `writeFolio`, W7 is `endWriteback`.
 */
export function* writeCachePages(inode: Inode, mode: WritebackMode, cost: WritebackCost, range: PageRange): Task {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const { pages } = mapping;
  const mark = mode === 'sync' ? 'towrite' : 'dirty';
  const first = firstOfFolio(inode, range.first);
  if (mode === 'sync') tagForWriteback(inode, first, range.end);
  for (let index = pages.nextMarked(first, range.end, mark); index >= 0;) {
    const folio = memory.frames.folioOf(pages.get(index));
    const next = memory.frames.index[folio] + memory.frames.pages(folio);
    memory.frames.get(folio);
    yield* memory.lockFolio(folio);
    const cleared = (yield* isDue(inode, folio, mode)) && (yield* clearDirtyForIo(fs.system, folio, cost));
    // Drivers may have taken their time. Only a power loss takes a locked folio away from its file meanwhile.
    if (cleared && fs.system.mappingOf(folio) === mapping) {
      yield* fs.writeFolio(inode, folio, cost);
    } else {
      memory.unlockFolio(folio);
    }
    memory.put(folio);
    index = pages.nextMarked(next, range.end, mark);
  }
}

/** do_writepages: writes what is dirty of a range, as the file system does it. */
export function* writeInode(
  inode: Inode,
  mode: WritebackMode,
  range: PageRange = WHOLE_FILE,
  cost: WritebackCost = { folios: 0, deviceWaitNs: 0 },
): Task {
  yield* inode.fs.writepages(inode, mode, cost, range);
}

/** filemap_write_and_wait_range: writes what is dirty of a range, and waits until it has been written. */
export function* writeAndWait(inode: Inode, range: PageRange = WHOLE_FILE): Task {
  yield* writeInode(inode, 'sync', range);
  yield* waitForWriteback(inode, range);
}

/** filemap_fdatawait_range: waits until every page that is under writeback now has been written. */
export function* waitForWriteback(inode: Inode, range: PageRange = WHOLE_FILE): Task {
  const { pages } = inode.mapping;
  const { memory } = inode.fs.system;
  let index = pages.nextMarked(firstOfFolio(inode, range.first), range.end, 'writeback');
  while (index >= 0) {
    const folio = memory.frames.folioOf(pages.get(index));
    memory.frames.get(folio);
    yield* memory.waitForWriteback(folio);
    memory.put(folio);
    index = pages.nextMarked(index + 1, range.end, 'writeback');
  }
}

/** folio_clear_dirty_for_io: true if the folio was dirty, by its flag or by an entry that maps it. */
export function* clearDirtyForIo(system: MmSystem, folio: number, cost: WritebackCost): Task<boolean> {
  if ((yield* folioMkclean(system, folio, cost)) > 0) system.markDirty(folio);
  return system.memory.frames.testAndClear(folio, PG_DIRTY);
}

/**
 * folio_start_writeback. Writeback keeps a reference until it ends.
 *
 * Only here do the marks go: another sync that passes by while the folio is being cleaned must still find it, and then
 * wait for it.
 */
export function startWriteback(inode: Inode, folio: number): void {
  const { memory } = inode.fs.system;
  const { pages } = inode.mapping;
  const index = memory.frames.index[folio];
  memory.frames.get(folio);
  memory.frames.set(folio, PG_WRITEBACK);
  pages.setMark(index, 'writeback');
  pages.clearMark(index, 'towrite');
  if (!memory.frames.has(folio, PG_DIRTY)) pages.clearMark(index, 'dirty');
  traceFolio('folio_start_writeback', inode, folio);
}

/** folio_end_writeback. */
export function endWriteback(inode: Inode, folio: number): void {
  const { memory } = inode.fs.system;
  // What is to be reclaimed now that it has been written is still marked so: readahead must not take that for its own.
  memory.frames.clear(folio, PG_WRITEBACK | PG_READAHEAD);
  inode.mapping.pages.clearMark(memory.frames.index[folio], 'writeback');
  traceFolio('folio_end_writeback', inode, folio);
  memory.wakeWritebackWaiters(folio);
  memory.put(folio);
}

/**
 * What a folio has behind the end of the file becomes zeros. This is done at each and every writeback: a process that maps
 * the last page may have written there, and the disk must not show that if the file grows.
 *
 * @returns the number of the folio's pages that the file reaches into: the others are not written
 */
export function zeroBehindEnd(inode: Inode, folio: number): number {
  const { frames, contents } = inode.fs.system.memory;
  const pages = frames.pages(folio);
  const inside = inode.size - frames.index[folio] * PAGE_SIZE;
  for (let i = Math.max(0, Math.floor(inside / PAGE_SIZE)); i < pages; i++) {
    const from = Math.max(0, inside - i * PAGE_SIZE);
    contents.clear(folio + i, from, PAGE_SIZE - from);
  }
  return Math.min(pages, Math.max(0, Math.ceil(inside / PAGE_SIZE)));
}

/** tag_pages_for_writeback: what becomes dirty later is not this pass's business, so it ends. */
function tagForWriteback(inode: Inode, first: number, end: number): void {
  const { pages } = inode.mapping;
  for (let index = pages.nextMarked(first, end, 'dirty'); index >= 0;) {
    pages.setMark(index, 'towrite');
    index = pages.nextMarked(index + 1, end, 'dirty');
  }
}

/** W1. */
function* isDue(inode: Inode, folio: number, mode: WritebackMode): Task<boolean> {
  const { system } = inode.fs;
  const { frames } = system.memory;
  if (system.mappingOf(folio) !== inode.mapping) return false;
  if (frames.has(folio, PG_WRITEBACK)) {
    if (mode === 'background') return false;
    yield* system.memory.waitForWriteback(folio);
  }
  if (frames.has(folio, PG_DIRTY)) {
    if (inode.fs.acceptsDirty?.(inode, folio) ?? true) return true;
    frames.clear(folio, PG_DIRTY);
    inode.mapping.pages.clearMark(frames.index[folio], 'dirty');
  }
  inode.mapping.pages.clearMark(frames.index[folio], 'towrite');
  return false;
}

/** Marks are at a folio's first page. */
function firstOfFolio(inode: Inode, index: number): number {
  const { frames } = inode.fs.system.memory;
  const frame = inode.mapping.pages.get(index);
  return frame === 0 ? index : frames.index[frames.folioOf(frame)];
}

function traceFolio(kind: string, inode: Inode, folio: number): void {
  const { simulation, memory } = inode.fs.system;
  if (simulation.trace.on) simulation.trace.emit({ kind, file: inode.name, file_page: memory.frames.index[folio] });
}
