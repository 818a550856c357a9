import { Errno, PAGE_SIZE, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { unmapMappingRange } from '../../mm/index.js';
import type { FallocateMode } from '../fallocate.js';
import type { Inode } from '../inode.js';
import { shmemGetFolio } from './get-folio.js';
import type { Tmpfs } from './tmpfs.js';
import { shmemUndoRange } from './undo-range.js';

/**
 * shmem_fallocate: holes are punched, and pages are reserved, which stay invalid until somebody uses them.
 * @throws Errno EOPNOTSUPP for the other modes; ENOSPC
 */
export function* shmemFallocate(fs: Tmpfs, inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
  const end = offset + length;
  if (mode === 'punch') {
    const first = Math.ceil(offset / PAGE_SIZE);
    const last = Math.floor(end / PAGE_SIZE);
    if (last > first) yield* unmapMappingRange(inode.mapping, first, last, false);
    yield* shmemUndoRange(fs, inode, offset, end);
    return;
  }
  if (mode !== 'alloc') throw new Errno('EOPNOTSUPP', `fallocate ${mode} of ${inode.name}`);
  const { memory } = fs.system;
  const { frames } = memory;
  for (let index = pageOf(offset); index < Math.ceil(end / PAGE_SIZE);) {
    const folio = yield* shmemGetFolio(fs, inode, index, 'falloc');
    if (folio < 0) throw new Errno('ENOSPC', `fallocate of ${inode.name}`);
    index = frames.index[folio] + frames.pages(folio);
    fs.dirtyFolio(inode.mapping, folio);
    memory.unlockFolio(folio);
    memory.put(folio);
  }
  if (end > inode.size) inode.mapping.size = end;
}
