import { Errno, PAGE_SIZE, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { handleMmFault } from './fault.js';
import type { FaultResult } from './address-space.js';
import type { MmStruct } from './mm-struct.js';
import { PG_HWPOISON } from './page-flags.js';
import { pteFrame, ptePresent, pteWritable } from './pte.js';
import { VM_READ, VM_SHARED, VM_WRITE } from './vma.js';

/**
 * __get_user_pages without pages: faults in what is not there, in order, for writing if `write`. At a fault that fails
 * behind pages that did not, the call returns how far it came; its caller goes on there, and only then hears of the failure.
 *
 * @param unlockable mmap_lock, which the caller holds shared, may be let go meanwhile (FOLL_UNLOCKABLE). Whoever cannot have
 *   that does not go on, either
 * @returns how the first fault that failed ended, SIGSEGV for a page that is not mapped; `done` if none did
 */
export function* populateRange(
  mm: MmStruct,
  start: number,
  end: number,
  write: boolean,
  unlockable = true,
): Task<FaultResult> {
  const result = yield* faultIn(mm, start, end, write, unlockable);
  mm.system.lruBatches.drain();
  return result;
}

function* faultIn(mm: MmStruct, start: number, end: number, write: boolean, unlockable: boolean): Task<FaultResult> {
  const { pageTable, system, vmas } = mm;
  let begun = start;
  for (let address = start; address < end;) {
    const pte = pageTable.get(pageOf(address));
    if (ptePresent(pte) && system.memory.frames.has(pteFrame(pte), PG_HWPOISON)) return 'SIGBUS';
    if (write ? pteWritable(pte) : ptePresent(pte)) {
      address += PAGE_SIZE;
      continue;
    }
    const vma = vmas.at(address);
    if (vma === null) return 'SIGSEGV';
    const result = yield* handleMmFault(vma, address, write, false, unlockable);
    if (result === 'done') address += PAGE_SIZE;
    else if (result !== 'released' && (address === begun || !unlockable)) return result;
    else if (result !== 'released') begun = address;
  }
  return 'done';
}

/**
 * madvise_populate: the range need not be one mapping's.
 * @throws Errno EINVAL at a mapping without the rights, ENOMEM at a hole, EFAULT at a fault that fails, after what comes before
 */
export function* madvisePopulate(mm: MmStruct, start: number, end: number, write: boolean): Task {
  const needed = write ? VM_WRITE : VM_READ;
  let reached = start;
  while (reached < end && mm.vmas.at(reached)?.has(needed) === true) reached = mm.vmas.at(reached)?.end ?? end;
  const result = yield* populateRange(mm, start, Math.min(reached, end), write);
  if (result === 'done' && reached >= end) return;
  const what = `MADV_POPULATE of [${hex(start)}, ${hex(end)}): ${result}`;
  if (result === 'OOM') throw new Errno('ENOMEM', what);
  if (result !== 'done') throw new Errno('EFAULT', what);
  throw new Errno(mm.vmas.at(reached) === null ? 'ENOMEM' : 'EINVAL', `${what} up to ${hex(reached)}`);
}

/**
 * __mm_populate, after mlock(2): private writable mappings are populated for writing, which breaks copy-on-write.
 *
 * @param ignoreErrors a mapping that cannot be populated is left, and the next one is tried
 * @throws Errno EFAULT for a mapping without rights or a fault that failed; ENOMEM
 */
export function* mmPopulate(mm: MmStruct, start: number, end: number, ignoreErrors = false): Task {
  yield mm.mmapLock.shared;
  try {
    for (const vma of mm.vmas.overlapping(start, end)) {
      const write = vma.has(VM_WRITE) && !vma.has(VM_SHARED);
      const result = vma.has(VM_READ)
        ? yield* populateRange(mm, Math.max(start, vma.start), Math.min(end, vma.end), write)
        : 'SIGSEGV';
      if (result === 'done' || ignoreErrors) continue;
      throw new Errno(
        result === 'OOM' ? 'ENOMEM' : 'EFAULT',
        `populating ${vma.toString()}: ${result} at ${hex(start)}`,
      );
    }
  } finally {
    mm.mmapLock.releaseShared();
  }
}
