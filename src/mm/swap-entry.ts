import { PTE_SOFT_DIRTY, PTE_UFFD_WP, SWP_SWAP, SWP_SWAP_EXCLUSIVE, makeSwapEntry, pteFrame, swapType } from './pte.js';
import type { Vma } from './vma.js';

/** swap_duplicate, at fork: both mms refer to the slot, and neither has it for itself any more. A userfaultfd is the parent's. */
export function duplicateSwapEntry(to: Vma, from: Vma, page: number, entry: number): void {
  const type = swapType(entry);
  if (type !== SWP_SWAP && type !== SWP_SWAP_EXCLUSIVE) return;
  const { swap } = from.mm.system;
  const slot = pteFrame(entry);
  swap.duplicate(slot);
  from.mm.pageTable.set(page, makeSwapEntry(SWP_SWAP, slot, entry & (PTE_SOFT_DIRTY | PTE_UFFD_WP)));
  to.mm.pageTable.set(page, makeSwapEntry(SWP_SWAP, slot, entry & PTE_SOFT_DIRTY));
}

/** free_swap_and_cache: the entry of a page goes, and with the last one its slot. */
export function freeSwapEntry(vma: Vma, entry: number): void {
  const type = swapType(entry);
  if (type === SWP_SWAP || type === SWP_SWAP_EXCLUSIVE) vma.mm.system.swap.free(pteFrame(entry));
}
