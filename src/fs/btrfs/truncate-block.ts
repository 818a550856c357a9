import { Errno, PAGE_SIZE, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { lockCachedFolio } from '../filemap.js';
import type { Inode } from '../inode.js';

/** btrfs_truncate_block: bytes [start, end) of one page become zeros, hole or not, and the page dirty. */
export function* truncateBlock(inode: Inode, start: number, end: number): Task {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  const page = pageOf(start);
  if (end - start === PAGE_SIZE || end <= start) return;
  const range = { first: page, end: page + 1 };
  for (;;) {
    const folio = yield* lockCachedFolio(inode, page);
    if (folio < 0) throw new Errno('ENOMEM', `page ${String(page)} of ${inode.name} cannot be zeroed`);
    yield* memory.waitForWriteback(folio);
    const unsettled = fs.settle?.(inode, range) ?? null;
    if (unsettled === null) {
      fs.prepareWrite(inode, folio, range);
      memory.contents.clear(mapping.pages.get(page), start % PAGE_SIZE, end - start);
      fs.dirtyFolio(mapping, folio);
    }
    memory.unlockFolio(folio);
    memory.put(folio);
    if (unsettled === null) return;
    yield* unsettled;
  }
}
