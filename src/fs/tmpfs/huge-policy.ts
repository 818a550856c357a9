import { HPAGE_SIZE, LEAF_SHIFT as HPAGE_ORDER } from '../../base/index.js';
import { VM_HUGEPAGE, VM_NOHUGEPAGE, type ThpPolicy, type Vma } from '../../mm/index.js';

/**
 * shmem_allowable_huge_orders and shmem_suitable_orders, for a fault: whether the setting and the mapping ask for 2 MiB,
 * and the mapping shows all of the block.
 */
export function wantsHugeFolio(
  policy: ThpPolicy,
  { vma, address }: { readonly vma: Vma; readonly address: number },
): boolean {
  if (vma.has(VM_NOHUGEPAGE)) return false;
  if (policy !== 'always' && !(policy === 'advise' && vma.has(VM_HUGEPAGE))) return false;
  const start = address - (address % HPAGE_SIZE);
  if (start < vma.start || start + HPAGE_SIZE > vma.end) return false;
  return vma.pageIndex(start) % (1 << HPAGE_ORDER) === 0;
}
