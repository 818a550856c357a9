import type { PinPolicy, ReclaimPolicy, Vma } from '../mm/index.js';

/**
 * What a kernel decides about devices that write into file pages. The ids are those of the literature on the subject,
 * P0 to P15; each comes in when all that it changes is modelled.
 */
export interface KernelPolicy extends PinPolicy, ReclaimPolicy {
  readonly id: string;
  /** Which kernels do this. */
  readonly title: string;
}

/** Kernels before 6.5: a device may pin a writable shared file mapping for as long as it likes. */
export const P0: KernelPolicy = {
  id: 'P0',
  title: 'legacy long-term pin (Linux before 6.5)',
  allowsWritableLongTermPin: () => true,
  skipsPinned: false,
};

/**
 * Kernels since 6.5: writable long-term pins of mappings with dirty tracking are refused with EFAULT
 * (mm/gup.c writable_file_mapping_allowed); reclaim leaves a pinned folio its file system state.
 */
export const P1: KernelPolicy = {
  id: 'P1',
  title: 'writable long-term pin of a file refused (Linux 6.5 and later)',
  allowsWritableLongTermPin: (vma: Vma) => !vma.needsDirtyTracking,
  skipsPinned: true,
};

/** On-demand paging with mmu notifiers: no pins at all. What a pin may do is as in P1. */
export const P12: KernelPolicy = {
  ...P1,
  id: 'P12',
  title: 'on-demand paging with mmu notifiers (Linux since 3.19)',
};

/** Every policy there is. */
export const POLICIES: readonly KernelPolicy[] = [P0, P1, P12];
