import { Errno, hex, isPageAligned, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { VM_LOCKED, VM_SHARED, type MmStruct } from '../mm/index.js';
import { Inode } from './inode.js';
import { fsync, type FsyncCost } from './sync.js';

/** MS_SYNC, MS_ASYNC or MS_INVALIDATE. */
export type MsyncFlag = 'sync' | 'async' | 'invalidate';

/**
 * msync(2): with MS_SYNC, syncs what each shared file mapping shows in the range; what lies behind a hole too. mmap_lock is
 * not held meanwhile. The other two write nothing.
 *
 * @param synced told of each file that was synced, and what that cost
 * @throws Errno EINVAL for an unaligned address; EBUSY for MS_INVALIDATE of locked memory; ENOMEM if part of the range is not
 *   mapped
 */
export function* msync(
  mm: MmStruct,
  address: number,
  length: number,
  flag: MsyncFlag,
  synced: (inode: Inode, cost: FsyncCost) => void,
): Task {
  if (!isPageAligned(address) || !(length >= 0)) {
    throw new Errno('EINVAL', `msync of ${String(length)} bytes at ${hex(address)}`);
  }
  const end = address + pageAlignUp(length);
  let holes = false;
  for (let at = address; at < end;) {
    yield mm.mmapLock.shared;
    const vma = mm.vmas.at(at) ?? mm.vmas.after(at);
    mm.mmapLock.releaseShared();
    holes ||= vma === null || vma.start > at;
    if (vma === null || vma.start >= end) break;
    if (flag === 'invalidate' && vma.has(VM_LOCKED)) throw new Errno('EBUSY', 'msync of locked memory');
    const from = Math.max(at, vma.start);
    at = Math.min(end, vma.end);
    if (flag !== 'sync' || !vma.has(VM_SHARED) || !(vma.file instanceof Inode)) continue;
    const range = { first: vma.pageIndex(from), end: vma.pageIndex(at) };
    synced(vma.file, yield* fsync(vma.file, range, true));
  }
  if (holes) throw new Errno('ENOMEM', `msync of [${hex(address)}, ${hex(end)}): holes`);
}
