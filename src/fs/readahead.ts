import { LEAF_SHIFT as HPAGE_ORDER } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { PG_READAHEAD, PG_WRITEBACK, VM_HUGEPAGE, VM_RAND_READ, VM_SEQ_READ, type VmFault } from '../mm/index.js';
import { alignedOrder, tryAddFolio } from './filemap.js';
import type { Inode } from './inode.js';

/** Misses of a mapping beyond its hits after which nothing is read ahead for it (MMAP_LOTSAMISS). */
const MMAP_LOTSAMISS = 100;

/** Pages of the largest I/O of the disk (io_pages, from max_sectors_kb = 1280). */
const IO_PAGES = 320;

/** Linux's struct file_ra_state: the window that was read ahead last. */
export class ReadaheadState {
  /** First page of the window, its size, and how many of its last pages are read before they are asked for. */
  start = 0;
  size = 0;
  asyncSize = 0;
  /** Order of the folios that the last window asked for. */
  order = 0;
  /** Faults that missed the cache, less those that hit it. */
  mmapMiss = 0;
  /** The page that the last read(2) ended in; -1 before any. */
  prevPage = -1;

  /** @param pages ra_pages: the largest window */
  constructor(readonly pages: number) {}
}

/** page_cache_sync_ra: a read of `wanted` pages from `index` on found nothing cached there. */
export function* syncReadahead(inode: Inode, index: number, wanted: number): Task {
  const { readahead: ra, mapping } = inode;
  if (ra.pages === 0) return;
  const most = maxPages(ra, wanted);
  const sequential = index - ra.prevPage >= 0 && index - ra.prevPage <= 1;
  if (index === 0 || wanted > most || sequential) {
    ra.start = index;
    ra.size = initialSize(wanted, most);
    ra.asyncSize = ra.size > wanted ? ra.size - wanted : ra.size >> 1;
  } else {
    const contiguous = cachedBefore(inode, index, most);
    if (contiguous <= wanted) {
      yield* readPages(inode, index, Math.min(wanted, most));
      return;
    }
    ra.start = index;
    ra.size = Math.min((contiguous === index ? 2 * contiguous : contiguous) + wanted, most);
    ra.asyncSize = 1;
  }
  ra.order = 0;
  if (mapping.size > 0) yield* readWindow(inode, ra.start);
}

/** page_cache_async_ra: a page with the readahead mark was reached, so the next window is read. */
export function* asyncReadahead(inode: Inode, folio: number, index: number, wanted: number): Task {
  const { readahead: ra, fs, mapping } = inode;
  const { frames } = fs.system.memory;
  if (ra.pages === 0 || frames.has(folio, PG_WRITEBACK)) return;
  frames.clear(folio, PG_READAHEAD);
  const most = maxPages(ra, wanted);
  const pages = frames.pages(folio);
  const expected = ra.start + ra.size - ra.asyncSize;
  if (index === expected - (expected % pages)) {
    ra.start += ra.size;
    ra.size = Math.max(ra.size, nextSize(ra.size, most));
  } else {
    let start = index + 1;
    while (start - index <= most && mapping.pages.get(start) !== 0) start++;
    if (start - index > most) return;
    ra.start = start;
    ra.size = nextSize(start - index + wanted, most);
  }
  ra.order += 2;
  const end = ra.start + ra.size;
  const aligned = end - (end % (1 << Math.min(ra.order, lowestBit(most))));
  if (aligned > ra.start) ra.size -= end - aligned;
  ra.asyncSize = ra.size;
  yield* readWindow(inode, ra.start);
}

/** force_page_cache_ra: reads pages [first, end), whatever was read before, one largest I/O at most. */
export function* forceReadahead(inode: Inode, first: number, end: number): Task {
  yield* readPages(inode, first, Math.min(end - first, Math.max(IO_PAGES, inode.readahead.pages)));
}

/** do_sync_mmap_readahead: a fault found nothing cached. @returns whether anything was read: the fault may come again */
export function* syncMmapReadahead(inode: Inode, fault: VmFault): Task<boolean> {
  const { readahead: ra } = inode;
  const { vma, pgoff } = fault;
  if (vma.has(VM_HUGEPAGE) && (inode.mapping.options.maxOrder ?? 0) >= HPAGE_ORDER) {
    ra.start = pgoff - (pgoff % (1 << HPAGE_ORDER));
    ra.size = vma.has(VM_RAND_READ) ? 1 << HPAGE_ORDER : 2 << HPAGE_ORDER;
    ra.asyncSize = 1 << HPAGE_ORDER;
    ra.order = HPAGE_ORDER;
    yield* readWindow(inode, ra.start);
    return true;
  }
  if (vma.has(VM_RAND_READ) || ra.pages === 0) return false;
  if (vma.has(VM_SEQ_READ)) {
    yield* syncReadahead(inode, pgoff, ra.pages);
    return true;
  }
  if (ra.mmapMiss < MMAP_LOTSAMISS * 10) ra.mmapMiss++;
  if (ra.mmapMiss > MMAP_LOTSAMISS) return false;
  ra.start = Math.max(0, pgoff - Math.floor(ra.pages / 2));
  ra.size = ra.pages;
  ra.asyncSize = Math.floor(ra.pages / 4);
  ra.order = 0;
  yield* readWindow(inode, ra.start);
  return true;
}

/** do_async_mmap_readahead: a fault found its page. @returns whether the next window was read */
export function* asyncMmapReadahead(inode: Inode, fault: VmFault, folio: number): Task<boolean> {
  const { readahead: ra, fs } = inode;
  if (fault.vma.has(VM_RAND_READ) || ra.pages === 0) return false;
  if (ra.mmapMiss > 0) ra.mmapMiss--;
  if (!fs.system.memory.frames.has(folio, PG_READAHEAD)) return false;
  yield* asyncReadahead(inode, folio, fault.pgoff, ra.pages);
  return true;
}

/**
 * page_cache_ra_order: reads the window from `start` on, in folios of the window's order where they fit. From the first
 * page on that is cached already, by pages.
 */
function* readWindow(inode: Inode, start: number): Task {
  const { readahead: ra, mapping } = inode;
  const { maxOrder = 0 } = mapping.options;
  ra.order = Math.min(ra.order, 31 - Math.clz32(ra.size), maxOrder);
  const end = Math.min(start + ra.size, mapping.sizeInPages);
  let mark = start + ra.size - ra.asyncSize;
  // Recorded: a window that the file ends in has no mark at its first page.
  if (mark === start && end < start + ra.size) mark = NO_MARK;
  const release = yield* holdPages(inode);
  const fresh: number[] = [];
  let reached = start;
  while (maxOrder > 0 && reached < end) {
    let order = alignedOrder(inode, reached, ra.order);
    while (order > 0 && reached + (1 << order) > end) order--;
    const folio = allocateFolio(inode, reached, order, mark);
    if (folio < 0) break;
    fresh.push(folio);
    reached += 1 << order;
  }
  if (reached < end) fresh.push(...allocatePages(inode, reached, start + ra.size - reached, ra.asyncSize));
  yield* readFresh(inode, fresh);
  release();
}

/** do_page_cache_ra: reads those of `count` pages from `index` on that are not cached. */
function* readPages(inode: Inode, index: number, count: number): Task {
  const release = yield* holdPages(inode);
  yield* readFresh(inode, allocatePages(inode, index, count, 0));
  release();
}

/** No page has this index. */
const NO_MARK = -1;

/** page_cache_ra_unbounded. The mark is `lookahead` pages before the end of what is read, if there are so many. */
function allocatePages(inode: Inode, index: number, count: number, lookahead: number): number[] {
  const { mapping } = inode;
  const end = Math.min(index + count, mapping.sizeInPages);
  const mark = lookahead <= end - index ? end - lookahead : NO_MARK;
  const fresh: number[] = [];
  for (let page = index; page < end; page++) {
    if (mapping.pages.get(page) !== 0) continue;
    const folio = allocateFolio(inode, page, 0, mark);
    if (folio < 0) break;
    fresh.push(folio);
  }
  return fresh;
}

/**
 * ra_alloc_folio: a locked folio in the cache, with the mark if page `mark` is its. Nobody needs it yet, so nothing is
 * reclaimed for it.
 *
 * @returns -1 if there is no memory, or if one of the pages is cached
 */
function allocateFolio(inode: Inode, index: number, order: number, mark: number): number {
  const { memory } = inode.fs.system;
  if (inode.mapping.pages.next(index, index + (1 << order)) >= 0) return -1;
  const folio = memory.allocate(order);
  if (folio < 0) return -1;
  if (index <= mark && mark < index + (1 << order)) memory.frames.set(folio, PG_READAHEAD);
  tryAddFolio(inode, folio, index);
  return folio;
}

/** Keeps truncation away while pages come: it would free the blocks that are being read. @returns what lets it go on */
function* holdPages({ mapping }: Inode): Task<() => void> {
  if (mapping.invalidateLock.heldByMe) return () => undefined;
  yield mapping.invalidateLock.shared;
  return () => {
    mapping.invalidateLock.releaseShared();
  };
}

/** read_pages. */
function* readFresh(inode: Inode, fresh: readonly number[]): Task {
  const { memory } = inode.fs.system;
  if (fresh.length > 0) yield* inode.fs.readFolios(inode, fresh);
  for (const folio of fresh) {
    memory.unlockFolio(folio);
    memory.put(folio);
  }
}

/** ractl_max_pages: the largest window, larger if more is wanted at once and the disk can do it. */
function maxPages(ra: ReadaheadState, wanted: number): number {
  return Math.max(ra.pages, Math.min(wanted, IO_PAGES));
}

/** get_init_ra_size: the first window of a sequential read. */
function initialSize(wanted: number, most: number): number {
  const size = 2 ** Math.ceil(Math.log2(wanted));
  if (size <= most / 32) return size * 4;
  return size <= most / 4 ? size * 2 : most;
}

/** get_next_ra_size. */
function nextSize(size: number, most: number): number {
  if (size < most / 16) return 4 * size;
  return size <= most / 2 ? 2 * size : most;
}

/** Pages that are cached without a gap before `index`, `most` at most. */
function cachedBefore(inode: Inode, index: number, most: number): number {
  let count = 0;
  while (count < most && count < index && inode.mapping.pages.get(index - 1 - count) !== 0) count++;
  return count;
}

function lowestBit(value: number): number {
  return 31 - Math.clz32(value & -value);
}
