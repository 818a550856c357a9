import { HPAGE_SIZE, PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { ULONG_MAX } from '../../notifiers/index.js';
import type { MmStruct } from './mm-struct.js';
import { PTE_ACCESSED, PTE_NONE, PTE_SOFT_DIRTY, PTE_WRITE, pteFrame, ptePresent, pteWritable } from './pte.js';
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
    const forget = (entry: number): number => (ptePresent(entry) ? entry & ~PTE_ACCESSED : entry);
    changeEntries(vma, { small: forget, huge: forget });
  }
  mm.mmapLock.releaseShared();
}

function* clearSoftDirty(mm: MmStruct): Task {
  yield mm.mmapLock.exclusive;
  for (const vma of mm.vmas) vma.flags &= ~VM_SOFTDIRTY;
  const range = mm.notifiers.invalidateRangeStart('SOFT_DIRTY', 0, ULONG_MAX);
  if (range.holds > 0) yield range;
  for (const vma of mm.vmas) {
    if (vma.has(VM_HUGETLB)) continue;
    changeEntries(vma, {
      small: (entry) => (isPinned(vma, entry) ? entry : watched(entry)),
      huge: (entry, page) => {
        // pmdp_invalidate
        if (ptePresent(entry))
          mm.notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, page * PAGE_SIZE + HPAGE_SIZE);
        return watched(entry);
      },
    });
  }
  mm.notifiers.archInvalidateSecondaryTlbs(0, ULONG_MAX);
  mm.notifiers.invalidateRangeEnd(range);
  mm.mmapLock.releaseExclusive();
}

/** clear_soft_dirty, clear_soft_dirty_pmd: the next write faults. */
function watched(entry: number): number {
  return entry & ~(ptePresent(entry) ? PTE_SOFT_DIRTY | PTE_WRITE : PTE_SOFT_DIRTY);
}

/** pte_is_pinned: a device may write at any time, unseen, so it stays as it is. Of huge entries, and read-only ones, nobody asks that. */
function isPinned(vma: Vma, entry: number): boolean {
  const { frames } = vma.mm.system.memory;
  return pteWritable(entry) && vma.isCow && frames.maybeDmaPinned(frames.folioOf(pteFrame(entry)));
}

/** What becomes of an entry. */
interface EntryChanges {
  small(entry: number): number;
  huge(entry: number, page: number): number;
}

/** clear_refs_pte_range. */
function changeEntries(vma: Vma, change: EntryChanges): void {
  const { pageTable } = vma.mm;
  const to = pageOf(vma.end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(vma.start), to)) {
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE) pageTable.setHuge(page, change.huge(huge, page));
    else
      pageTable.forEach(page, stop, (at, pte) => {
        pageTable.set(at, change.small(pte));
      });
  }
}
