import { PAGE_SIZE, isErrno } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { fsync, type Inode } from '../../fs/index.js';
import { PG_HWPOISON } from '../../mm/index.js';
import { AREA_PAGES } from './areas.js';
import { patternByte } from './pattern.js';
import { NotModelled } from './program-error.js';
import type { ProgramFile } from './program-world.js';
import type { ByteRun, FinalFile } from './recorded.js';

/** Files longer than this, in pages, are described by what differs from the pattern. */
const LONGEST_LIST = 64;

/** Kinds whose files are not looked at in the end, and those that have nothing on a disk. */
const NOT_PROBED: ReadonlySet<string> = new Set(['shmem', 'hugetlb', 'hugefile']);
const WITHOUT_DISK: ReadonlySet<string> = new Set(['tmpfs', 'dax']);

/**
 * What a file holds in the page cache and, after an fsync, on the disk; undefined if files of its kind are not looked at. What
 * cannot be read is null: all of the disk if the fsync says that data were lost.
 */
export function* finalOf({ inode, kind }: ProgramFile): Task<FinalFile | undefined> {
  if (NOT_PROBED.has(kind)) return undefined;
  const pages = Math.ceil(inode.size / PAGE_SIZE);
  if (pages > AREA_PAGES) throw new NotModelled(`${String(pages)} pages are too many to look at`);
  // First: what is not cached is read from the disk, whose own cache an fsync empties.
  const synced = WITHOUT_DISK.has(kind) || (yield* isSynced(inode));
  const cache: (number | null)[] = [];
  const byte = new Uint8Array(1);
  for (let page = 0; page < pages; page++) cache.push(yield* cachedByte(inode, page, byte));
  const size = inode.size;
  const listed = pages <= LONGEST_LIST;
  if (WITHOUT_DISK.has(kind)) return listed ? { size, cache } : { size, cache_diff: differences(cache) };
  const disk = Array.from({ length: pages }, (_, page) => (synced ? diskByte(inode, page, byte) : null));
  if (listed) return { size, cache, disk };
  return { size, cache_diff: differences(cache), disk_diff: differences(disk) };
}

function* isSynced(inode: Inode): Task<boolean> {
  try {
    yield* fsync(inode);
    return true;
  } catch (error) {
    if (isErrno(error, 'EIO')) return false;
    throw error;
  }
}

/** The first byte of a page as it is cached. @param byte where to read it to */
function* cachedByte(inode: Inode, page: number, byte: Uint8Array): Task<number | null> {
  const { memory } = inode.fs.system;
  const cached = inode.mapping.pages.get(page);
  if (cached !== 0 && memory.frames.has(cached, PG_HWPOISON)) return null;
  const frame = cached === 0 ? yield* inode.fs.pageForRead(inode, page, 1) : cached;
  if (frame <= 0) return 0;
  memory.contents.read(frame, 0, byte, 0, 1);
  return byte[0];
}

function diskByte(inode: Inode, page: number, byte: Uint8Array): number {
  const record = inode.blocks.data(page);
  if (record === undefined || record.holes?.some(([from]) => from === 0) === true) return 0;
  inode.fs.device.media.read(record.block, 0, byte, 0, 1);
  return byte[0];
}

/** Runs of pages with one byte, each beginning at a page where that is not the pattern's. */
function differences(bytes: readonly (number | null)[]): ByteRun[] {
  const runs: ByteRun[] = [];
  for (let page = 0; page < bytes.length;) {
    const first = page++;
    if (bytes[first] === patternByte(first)) continue;
    while (page < bytes.length && bytes[page] === bytes[first]) page++;
    runs.push([first, page - first, bytes[first]]);
  }
  return runs;
}
