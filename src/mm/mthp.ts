import { PAGE_SIZE } from '../base/index.js';
import { VM_HUGEPAGE, VM_NOHUGEPAGE, VM_UFFD, type Vma } from './vma.js';

/** 64 KiB. */
export const MTHP_ORDER = 4;

/** thp_vma_allowable_orders and thp_vma_suitable_orders, of 64 KiB around an address in a page fault. */
export function allowsMthp(vma: Vma, address: number): boolean {
  const { mthp64k } = vma.mm.system;
  const wanted = mthp64k === 'always' || (mthp64k === 'advise' && vma.has(VM_HUGEPAGE));
  if (!wanted || vma.has(VM_NOHUGEPAGE | VM_UFFD)) return false;
  const bytes = PAGE_SIZE << MTHP_ORDER;
  const start = address - (address % bytes);
  return start >= vma.start && start + bytes <= vma.end;
}
