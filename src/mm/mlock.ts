import { Errno, hex, isErrno, pageAlignDown, pageAlignUp } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { MmStruct } from './mm-struct.js';
import { mmPopulate } from './populate.js';
import { modifyFlags } from './vma-merge.js';
import { VM_HUGETLB, VM_LOCKED } from './vma.js';

/**
 * mlock(2): no notification of its own, but pages are faulted in, for writing where the mapping is private and writable.
 * @throws Errno ENOMEM if part of the range is not mapped or cannot be populated; EAGAIN without memory
 */
export function* mlock(mm: MmStruct, address: number, length: number): Task {
  const start = pageAlignDown(address);
  const end = pageAlignUp(address + length);
  yield* applyVmaLockFlags(mm, start, end, VM_LOCKED);
  try {
    yield* mmPopulate(mm, start, end);
  } catch (error) {
    // __mlock_posix_error_return
    if (isErrno(error, 'EFAULT')) throw new Errno('ENOMEM', error.message);
    if (isErrno(error, 'ENOMEM')) throw new Errno('EAGAIN', error.message);
    throw error;
  }
}

/** munlock(2). @throws Errno ENOMEM if part of the range is not mapped */
export function* munlock(mm: MmStruct, address: number, length: number): Task {
  yield* applyVmaLockFlags(mm, pageAlignDown(address), pageAlignUp(address + length), 0);
}

/** apply_vma_lock_flags: up to the first hole. */
function* applyVmaLockFlags(mm: MmStruct, start: number, end: number, locked: number): Task {
  yield mm.mmapLock.exclusive;
  try {
    for (let reached = start; reached < end;) {
      const vma = mm.vmas.at(reached);
      if (vma === null) throw new Errno('ENOMEM', `mlock: nothing is mapped at ${hex(reached)}`);
      const stop = Math.min(end, vma.end);
      const flags = (vma.flags & ~VM_LOCKED) | locked;
      if (flags !== vma.flags && !vma.has(VM_HUGETLB) && vma.file?.isDax !== true) {
        yield* modifyFlags(vma, reached, stop, flags);
        // mlock_vma_pages_range
        mm.system.lruBatches.drain();
      }
      reached = stop;
    }
  } finally {
    mm.mmapLock.releaseExclusive();
  }
}
