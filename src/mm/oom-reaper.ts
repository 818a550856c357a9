import { MS, type Task } from '../engine/index.js';
import type { MmStruct } from './mm-struct.js';
import { VM_HUGETLB, VM_SHARED } from './vma.js';
import { zapVmaForReaping } from './zap.js';

/** MAX_OOM_REAP_RETRIES. */
const MOST_ATTEMPTS = 10;

/** HZ / 10. */
const RETRY_NS = 100 * MS;

/**
 * __oom_reap_task_mm (mm/oom_kill.c): takes from a dying process the memory that can be had without waiting for anybody:
 * private mappings, from the last to the first, one non-blockable CLEAR each. A mapping of which a driver cannot let go at
 * once is left alone. Who uses the rest meanwhile gets a SIGBUS, not zeros. The caller holds mmap_lock.
 *
 * @returns false if a driver refused: part of the memory is still there
 */
export function* oomReapTaskMm(mm: MmStruct): Task<boolean> {
  mm.unstable = true;
  let complete = true;
  for (const vma of [...mm.vmas].reverse()) {
    if (vma.has(VM_HUGETLB) || vma.has(VM_SHARED)) continue;
    if (!(yield* zapVmaForReaping(vma))) complete = false;
  }
  return complete;
}

/**
 * oom_reap_task: again and again, for a second, until nobody refuses or the process has gone by itself.
 * @returns false if memory is left that nobody will take
 */
export function* oomReapTask(mm: MmStruct): Task<boolean> {
  for (let attempt = 1; ; attempt++) {
    if (yield* tryToReap(mm)) return true;
    if (attempt === MOST_ATTEMPTS) return false;
    yield RETRY_NS;
  }
}

/** oom_reap_task_mm. It waits for nobody who changes the mappings. */
function* tryToReap(mm: MmStruct): Task<boolean> {
  if (mm.mmapLock.heldExclusively) return false;
  yield mm.mmapLock.shared;
  const complete = mm.oomSkip || (yield* oomReapTaskMm(mm));
  mm.mmapLock.releaseShared();
  return complete;
}
