import { Errno, HPAGE_SIZE, PTRS_PER_PTE, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { collapseAnonymous } from './collapse-anon.js';
import { collapseCached } from './collapse-file.js';
import { collapsePteMappedThp } from './collapse-pte-mapped.js';
import type { AdvisedPart } from './madvise.js';
import { collapseErrno, mayContinueBehind, type ScanResult } from './scan-result.js';
import { VM_HUGETLB, VM_NOHUGEPAGE, type Vma } from './vma.js';

/**
 * madvise_collapse: a huge entry for every 2 MiB of the part that has none yet.
 *
 * @throws Errno EINVAL for memory that is not to have, or cannot have, huge entries; EAGAIN for pages in use; EBUSY if a
 *   userfaultfd wants to hear of missing pages; ENOMEM
 */
export function* madviseCollapse({ vma, start, end }: AdvisedPart): Task {
  const what = `MADV_COLLAPSE of [${hex(start)}, ${hex(end)}) of ${vma.toString()}`;
  if (!allowsCollapse(vma)) throw new Errno('EINVAL', what);
  vma.mm.system.lruBatches.drain();
  const first = Math.ceil(start / HPAGE_SIZE) * HPAGE_SIZE;
  const last = end - (end % HPAGE_SIZE);
  let huge = 0;
  let failure: ScanResult = 'fail';
  for (let address = first; address < last; address += HPAGE_SIZE) {
    const result = yield* collapseSinglePmd(vma, address);
    if (result === 'succeed' || result === 'pmd mapped') {
      huge += HPAGE_SIZE;
      continue;
    }
    failure = result;
    if (!mayContinueBehind(result)) break;
  }
  // A part within one block, that touches neither of its ends, has not even no blocks.
  if (huge !== last - first) throw new Errno(collapseErrno(failure), `${what}: ${failure}`);
}

/** collapse_single_pmd. */
function* collapseSinglePmd(vma: Vma, address: number): Task<ScanResult> {
  if (vma.file === null) return yield* collapseAnonymous(vma, address);
  const result = yield* collapseCached(vma, vma.file.mapping, address);
  return result === 'pte mapped hugepage' ? yield* collapsePteMappedThp(vma, vma.file.mapping, address) : result;
}

/**
 * thp_vma_allowable_order with TVA_FORCED_COLLAPSE: the system's settings do not matter, and of files only those without a
 * disk qualify: the others are open for writing.
 */
function allowsCollapse(vma: Vma): boolean {
  if (vma.has(VM_NOHUGEPAGE | VM_HUGETLB)) return false;
  const last = Math.floor((vma.end - HPAGE_SIZE) / HPAGE_SIZE) * HPAGE_SIZE;
  if (last < vma.start) return false;
  if (vma.file === null) return vma.anonVma !== null;
  return vma.file.mapping.options.isShmem === true && (pageOf(vma.start) - vma.pgoff) % PTRS_PER_PTE === 0;
}
