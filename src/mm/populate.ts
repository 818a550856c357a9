import { Errno, PAGE_SIZE, hex, isErrno, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { handleMmFault } from './fault.js';
import type { FaultResult } from './address-space.js';
import type { MmStruct } from './mm-struct.js';
import { ptePresent, pteWritable } from './pte.js';
import { VM_READ, VM_SHARED, VM_WRITE, type Vma } from './vma.js';

/** Where a call that faults pages in had to stop, and how the fault ended there; `done` at the end of its range. */
interface Populated {
  readonly reached: number;
  readonly result: FaultResult;
}

/**
 * __get_user_pages without pages: faults in what is not there, in order, for writing if `write`; SIGSEGV for a page that is
 * not mapped.
 *
 * @param unlockable mmap_lock, which the caller holds shared, may be let go meanwhile (FOLL_UNLOCKABLE)
 */
export function* populateRange(
  mm: MmStruct,
  start: number,
  end: number,
  write: boolean,
  unlockable = true,
): Task<Populated> {
  const populated = yield* faultIn(mm, start, end, write, unlockable);
  mm.system.lruBatches.drain();
  return populated;
}

function* faultIn(mm: MmStruct, start: number, end: number, write: boolean, unlockable: boolean): Task<Populated> {
  const { pageTable, vmas } = mm;
  for (let address = start; address < end;) {
    const pte = pageTable.get(pageOf(address));
    if (!(write ? pteWritable(pte) : ptePresent(pte))) {
      const vma = vmas.at(address);
      if (vma === null) return { reached: address, result: 'SIGSEGV' };
      const result = yield* handleMmFault(vma, address, write, false, unlockable);
      if (result === 'released') continue;
      if (result !== 'done') return { reached: address, result };
    }
    address += PAGE_SIZE;
  }
  return { reached: end, result: 'done' };
}

/**
 * Populates all of a range. A call that has got somewhere says how far, not what stopped it: only the next, which faults
 * there again, does.
 *
 * @param poisoned what a broken page is (FOLL_HWPOISON)
 * @throws Errno EFAULT for a fault that failed; ENOMEM
 */
function* populateAll(
  mm: MmStruct,
  start: number,
  end: number,
  write: boolean,
  poisoned: 'EFAULT' | 'EHWPOISON' = 'EFAULT',
): Task {
  for (let from = start; from < end;) {
    const { reached, result } = yield* populateRange(mm, from, end, write);
    if (reached === from) {
      const code = result === 'OOM' ? 'ENOMEM' : result === 'HWPOISON' ? poisoned : 'EFAULT';
      throw new Errno(code, `populating ${mm.name}: ${result} at ${hex(from)}`);
    }
    from = reached;
  }
}

/**
 * madvise_populate: the range need not be one mapping's.
 * @throws Errno EINVAL at a mapping without the rights, ENOMEM at a hole, EFAULT at a fault that fails, EHWPOISON at a broken
 *   page; after what comes before
 */
export function* madvisePopulate(mm: MmStruct, start: number, end: number, write: boolean): Task {
  const needed = write ? VM_WRITE : VM_READ;
  let reached = start;
  while (reached < end && mm.vmas.at(reached)?.has(needed) === true) reached = mm.vmas.at(reached)?.end ?? end;
  yield* populateAll(mm, start, Math.min(reached, end), write, 'EHWPOISON');
  if (reached >= end) return;
  const code = mm.vmas.at(reached) === null ? 'ENOMEM' : 'EINVAL';
  throw new Errno(code, `MADV_POPULATE of [${hex(start)}, ${hex(end)}) at ${hex(reached)}`);
}

/**
 * __mm_populate: private writable mappings are populated for writing, which breaks copy-on-write.
 *
 * @param ignoreErrors go on with the next mapping; without, as for mlock(2):
 * @throws Errno EFAULT for a mapping without rights or a fault that failed; ENOMEM
 */
export function* mmPopulate(mm: MmStruct, start: number, end: number, ignoreErrors: boolean): Task {
  yield mm.mmapLock.shared;
  try {
    for (const vma of mm.vmas.overlapping(start, end)) {
      try {
        yield* populateVma(vma, Math.max(start, vma.start), Math.min(end, vma.end));
      } catch (error) {
        if (!ignoreErrors || !isErrno(error)) throw error;
      }
    }
  } finally {
    mm.mmapLock.releaseShared();
  }
}

/** populate_vma_page_range, until all is populated. */
function* populateVma(vma: Vma, start: number, end: number): Task {
  if (!vma.has(VM_READ)) throw new Errno('EFAULT', `populating ${vma.toString()}`);
  yield* populateAll(vma.mm, start, end, vma.has(VM_WRITE) && !vma.has(VM_SHARED));
}
