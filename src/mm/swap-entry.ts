import { SWP_SWAP, SWP_SWAP_EXCLUSIVE, makeSwapEntry, pteFrame, swapType, PTE_SOFT_DIRTY } from './pte.js';
import type { Vma } from './vma.js';

/** swap_duplicate, at fork: both mms refer to the slot, and neither has it for itself any more. */
export function duplicateSwapEntry(to: Vma, from: Vma, page: number, entry: number): void {
  const type = swapType(entry);
  if (type !== SWP_SWAP && type !== SWP_SWAP_EXCLUSIVE) return;
  const { swap } = from.mm.system;
  const slot = pteFrame(entry);
  swap.duplicate(slot);
  const shared = makeSwapEntry(SWP_SWAP, slot, entry & PTE_SOFT_DIRTY);
  from.mm.pageTable.set(page, shared);
  to.mm.pageTable.set(page, shared);
}

/** free_swap_and_cache: the entry of a page goes, and with the last one its slot. */
export function freeSwapEntry(vma: Vma, entry: number): void {
  const type = swapType(entry);
  if (type === SWP_SWAP || type === SWP_SWAP_EXCLUSIVE) vma.mm.system.swap.free(pteFrame(entry));
}
