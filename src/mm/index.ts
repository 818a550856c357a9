/**
 * Floor 2. Memory: frames and folios, page tables, mappings, faults, reverse mapping, pins, HMM, reclaim.
 *
 * Structured as Linux's mm/ is, with its names. What is specific to a file system comes in through `AddressSpaceOperations`
 * and `VmOperations`; what is specific to a device stays out altogether: drivers see the notifiers, pins and HMM.
 */
export {
  AddressSpace,
  type AddressSpaceOperations,
  type AddressSpaceOptions,
  type FaultResult,
  type VmFault,
  type VmOperations,
} from './address-space.js';
export { makeDeviceExclusive } from './device-exclusive.js';
export { handleMmFault } from './fault.js';
export { forkMm } from './fork.js';
export { FrameTable, GUP_PIN_COUNTING_BIAS } from './frames.js';
export { pinUserPages, pinUserPagesFast, unpinUserPages, unpinUserPagesDirtyLock, type PinFlags } from './gup.js';
export {
  HMM_PFN_ERROR,
  HMM_PFN_PMD,
  HMM_PFN_VALID,
  HMM_PFN_WRITE,
  hmmFrame,
  hmmRangeFault,
  type HmmRange,
  type HmmResult,
} from './hmm.js';
export { allocHugetlbFolio } from './hugetlb.js';
export { copyHugetlbPageRange, moveHugetlbPageTables } from './hugetlb-entries.js';
export { ADVICES, madvise, madviseDontneed, type AdviceAction } from './madvise.js';
export { ksmd } from './ksm-scan.js';
export { clearRefs } from './clear-refs.js';
export { mlock, munlock } from './mlock.js';
export { mbind } from './mempolicy.js';
export { movePages, type MoveStatus } from './migrate.js';
export { mprotect } from './mprotect.js';
export { mremap, type MremapOptions } from './mremap.js';
export { TASK_SIZE, exitMmap, mmap, munmap, type MmapRequest } from './mmap.js';
export { MmStruct } from './mm-struct.js';
export {
  MmSystem,
  type EntryChange,
  type HmmRead,
  type MmCosts,
  type MmFault,
  type PinCounters,
  type PinPolicy,
  type Reclaimer,
  type ThpPolicy,
} from './mm-system.js';
export { addToPageCache, forgetPageCache, removeFromPageCache, removeIfUnused } from './page-cache.js';
export {
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_DIRTY,
  PG_HWPOISON,
  PG_PRIVATE,
  PG_READAHEAD,
  PG_REFERENCED,
  PG_RESERVED,
  PG_TAIL,
  PG_UPTODATE,
  PG_WRITEBACK,
} from './page-flags.js';
export { MAX_PGOFF, PageIndex, type PageMark } from './page-index.js';
export { oomReapTask, oomReapTaskMm } from './oom-reaper.js';
export { PageTable } from './page-table.js';
export { PhysicalMemory, ZERO_FRAME } from './physical-memory.js';
export {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_PRESENT,
  PTE_SOFT_DIRTY,
  PTE_WRITE,
  SWP_DEVICE_EXCLUSIVE,
  pteFrame,
  ptePresent,
  pteWritable,
  swapType,
} from './pte.js';
export { Reclaim, type ReclaimPolicy } from './reclaim.js';
export { type BackgroundWriteback } from './reclaim-throttle.js';
export { folioMkclean, folioReferenced, type RmapCost } from './rmap.js';
export { tryToUnmap } from './try-to-unmap.js';
export { Userfaultfd, type UffdModes } from './userfaultfd.js';
export { handleUserfault, type UffdMessage } from './userfaultfd-ctx.js';
export { userLoad, userStore, type AccessResult } from './user-access.js';
export { SharedPolicy } from './shared-policy.js';
export { splitCachedFolio } from './split-cached-folio.js';
export {
  VM_EXEC,
  VM_HUGEPAGE,
  VM_HUGETLB,
  VM_LOCKED,
  VM_NOHUGEPAGE,
  VM_RAND_READ,
  VM_READ,
  VM_SEQ_READ,
  VM_SHARED,
  VM_SOFTDIRTY,
  VM_UFFD_MISSING,
  VM_WRITE,
  Vma,
  type MappedFile,
} from './vma.js';
export { dropPfnRights, insertPfn } from './pfn.js';
export { unmapMappingRange, zapPageRange } from './zap.js';
