import { PAGE_SIZE, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { Inode } from '../inode.js';
import { truncateInodePages } from '../truncate.js';
import { shmemGetFolio } from './get-folio.js';
import { shmemFreeSwap } from './swap.js';
import type { Tmpfs } from './tmpfs.js';

/**
 * shmem_undo_range: the file forgets bytes [start, end), in memory and on the swap device. Pages at the edges come back
 * from there, for only a part of them becomes zeros.
 */
export function* shmemUndoRange(fs: Tmpfs, inode: Inode, start: number, end: number): Task {
  if (start % PAGE_SIZE !== 0) yield* bringBack(fs, inode, pageOf(start));
  if (end !== Infinity && end % PAGE_SIZE !== 0) yield* bringBack(fs, inode, pageOf(end));
  shmemFreeSwap(fs, inode, Math.ceil(start / PAGE_SIZE), Math.floor(end / PAGE_SIZE));
  yield* truncateInodePages(inode, start, end);
}

/** shmem_get_partial_folio. */
function* bringBack(fs: Tmpfs, inode: Inode, index: number): Task {
  if (!fs.swapped(inode).any(index, index + 1)) return;
  const { memory } = fs.system;
  const folio = yield* shmemGetFolio(fs, inode, index, 'read');
  if (folio < 0) return;
  memory.unlockFolio(folio);
  memory.put(folio);
}
