import { pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { ULONG_MAX } from '../../notifiers/index.js';
import type { MmStruct } from './mm-struct.js';
import { PTE_ACCESSED, PTE_NONE, PTE_SOFT_DIRTY, PTE_WRITE, pteFrame, ptePresent } from './pte.js';
import { VM_HUGETLB, VM_SOFTDIRTY, type Vma } from './vma.js';

/**
 * clear_refs_write (fs/proc/task_mmu.c): 4 resets soft-dirty bits, which takes all write rights away and is told once for
 * the whole address space; 1, 2 and 3 only forget that pages were used: all, anonymous, of files.
 */
export function* clearRefs(mm: MmStruct, what: number): Task {
  if (what === 4) yield* clearSoftDirty(mm);
  else yield* clearReferenced(mm, what);
}

function* clearReferenced(mm: MmStruct, what: number): Task {
  yield mm.mmapLock.shared;
  for (const vma of mm.vmas) {
    if ((what === 2 && vma.file !== null) || (what === 3 && vma.file === null)) continue;
    forEachEntry(vma, (entry) => (ptePresent(entry) ? entry & ~PTE_ACCESSED : entry));
  }
  mm.mmapLock.releaseShared();
}

function* clearSoftDirty(mm: MmStruct): Task {
  yield mm.mmapLock.exclusive;
  for (const vma of mm.vmas) vma.flags &= ~VM_SOFTDIRTY;
  const range = mm.notifiers.invalidateRangeStart('SOFT_DIRTY', 0, ULONG_MAX);
  if (range.holds > 0) yield range;
  const { frames } = mm.system.memory;
  for (const vma of mm.vmas) {
    if (vma.has(VM_HUGETLB)) continue;
    forEachEntry(vma, (entry) => {
      if (!ptePresent(entry)) return entry & ~PTE_SOFT_DIRTY;
      // pte_is_pinned: a device may write at any time, unseen, so it stays as it is.
      if (vma.isCow && frames.maybeDmaPinned(frames.folioOf(pteFrame(entry)))) return entry;
      return entry & ~(PTE_SOFT_DIRTY | PTE_WRITE);
    });
  }
  mm.notifiers.archInvalidateSecondaryTlbs(0, ULONG_MAX);
  mm.notifiers.invalidateRangeEnd(range);
  mm.mmapLock.releaseExclusive();
}

function forEachEntry(vma: Vma, change: (entry: number) => number): void {
  const { pageTable } = vma.mm;
  const to = pageOf(vma.end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(vma.start), to)) {
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE) pageTable.setHuge(page, change(huge));
    else
      pageTable.forEach(page, stop, (at, pte) => {
        pageTable.set(at, change(pte));
      });
  }
}
