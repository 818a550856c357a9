import { Errno, PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { handleMmFault } from './fault.js';
import type { AdvisedPart } from './madvise.js';
import type { MmStruct } from './mm-struct.js';
import { PG_KSM } from './page-flags.js';
import { ZERO_FRAME } from './physical-memory.js';
import { PTE_DIRTY, SWP_MIGRATION, pteFrame, ptePresent, swapType } from './pte.js';
import { modifyFlags } from './vma-merge.js';
import { VM_HUGETLB, VM_MERGEABLE, VM_SHARED, type Vma } from './vma.js';

/** ksm_madvise(MADV_MERGEABLE): ksmd may look at the mapping from now on. Memory that it cannot merge stays as it is. */
export function* ksmMergeable({ vma, start, end }: AdvisedPart): Task {
  if (vma.has(VM_MERGEABLE) || !isCompatible(vma)) return;
  vma.mm.system.ksm.enter(vma.mm);
  yield* modifyFlags(vma, start, end, vma.flags | VM_MERGEABLE);
}

/** ksm_madvise(MADV_UNMERGEABLE): what has been merged becomes pages of the process's own again. @throws Errno EAGAIN without memory */
export function* ksmUnmergeable({ vma, start, end }: AdvisedPart): Task {
  if (!vma.has(VM_MERGEABLE)) return;
  if (vma.anonVma !== null && !(yield* breakKsm(vma, start, end))) {
    throw new Errno('EAGAIN', `MADV_UNMERGEABLE of ${vma.toString()}: out of memory`);
  }
  yield* modifyFlags(vma, start, end, vma.flags & ~VM_MERGEABLE);
}

/**
 * break_ksm: a copy in place of every merged page of a part of a mapping, by a fault that wants to have it for itself: one
 * CLEAR each. The caller holds mmap_lock.
 *
 * @returns false if memory has run out
 */
export function* breakKsm(vma: Vma, start: number, end: number): Task<boolean> {
  for (let page = nextKsmPage(vma, pageOf(start), pageOf(end)); page >= 0;) {
    const result = yield* handleMmFault(vma, page * PAGE_SIZE, false, true);
    if (result === 'OOM') return false;
    // Whatever else came of it, the page is not there any more.
    if (result !== 'done') return true;
    page = nextKsmPage(vma, page, pageOf(end));
  }
  return true;
}

/** find_mergeable_vma. */
export function findMergeableVma(mm: MmStruct, address: number): Vma | null {
  const vma = mm.alive ? mm.vmas.at(address) : null;
  return vma?.has(VM_MERGEABLE) === true && vma.anonVma !== null ? vma : null;
}

/** ksm_compatible: private memory that is not hugetlb. */
function isCompatible(vma: Vma): boolean {
  return !vma.has(VM_SHARED | VM_HUGETLB) && vma.file?.isDax !== true;
}

/** break_ksm_pmd_entry: the first merged page of [from, to), also one that is being migrated; -1 if there is none. */
function nextKsmPage({ mm }: Vma, from: number, to: number): number {
  const { frames } = mm.system.memory;
  for (const [first, stop] of mm.pageTable.populatedBlocks(from, to)) {
    if (mm.pageTable.leaf(first) === null) continue;
    for (let page = first; page < stop; page++) {
      const pte = mm.pageTable.get(page);
      const zero = ptePresent(pte) && pteFrame(pte) === ZERO_FRAME;
      // is_ksm_zero_pte: nobody else's zero page is dirty.
      if (zero ? (pte & PTE_DIRTY) !== 0 : namesFrame(pte) && frames.has(frames.folioOf(pteFrame(pte)), PG_KSM)) {
        return page;
      }
    }
  }
  return -1;
}

function namesFrame(pte: number): boolean {
  return ptePresent(pte) || swapType(pte) === SWP_MIGRATION;
}
