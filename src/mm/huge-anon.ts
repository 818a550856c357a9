import { HPAGE_SIZE, LEAF_SHIFT as HPAGE_ORDER, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { anonVmaPrepare } from './anon-vma.js';
import { moveAnonRmap, newAnonFolio } from './anon.js';
import { splitHugePmd } from './huge-pmd.js';
import { blockOf, mapHuge, unmapHuge } from './map-frame.js';
import { PG_ANON, PG_ANON_EXCLUSIVE } from './page-flags.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_SOFT_DIRTY, PTE_WRITE, makePte, pteFrame } from './pte.js';
import { handleUserfault } from './userfaultfd-ctx.js';
import { VM_HUGETLB, VM_NOHUGEPAGE, VM_UFFD_MISSING, VM_WRITE, type Vma } from './vma.js';

/** thp_vma_allowable_order of 2 MiB in a page fault, for anonymous memory: the system's setting is "always". */
function allowsHuge(vma: Vma, address: number): boolean {
  const start = address - (address % HPAGE_SIZE);
  return (
    vma.file === null && !vma.has(VM_NOHUGEPAGE | VM_HUGETLB) && start >= vma.start && start + HPAGE_SIZE <= vma.end
  );
}

/**
 * do_huge_pmd_anonymous_page: the huge zero folio for a read, a folio of 2 MiB for a write.
 * @returns null if there is none to be had, or a page table is in the way: small pages then
 */
export function* hugeAnonymousFault(fault: VmFault): Task<FaultResult | null> {
  const { vma, address, write } = fault;
  const { pageTable, system } = vma.mm;
  const block = blockOf(pageOf(address));
  if (!allowsHuge(vma, address) || pageTable.isPopulatedIn(block, block + PTRS_PER_PTE)) return null;
  anonVmaPrepare(vma);
  if (vma.has(VM_UFFD_MISSING)) return yield* handleUserfault(fault, false);
  if (!write) {
    const zero = system.hugeZeroFolio();
    if (zero < 0) return null;
    pageTable.setHuge(block, makePte(zero, PTE_ACCESSED));
    return 'done';
  }
  const start = address - (address % HPAGE_SIZE);
  const folio = yield* newAnonFolio(vma, start, HPAGE_ORDER);
  if (folio < 0) return null;
  if (pageTable.isPopulatedIn(block, block + PTRS_PER_PTE)) {
    system.memory.put(folio);
    return 'retry';
  }
  mapHuge(vma, start, folio, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
  return 'done';
}

/**
 * do_huge_pmd_wp_page: takes the folio over if it is nobody else's; otherwise it is split, and the page alone is copied.
 * The huge zero folio is replaced as a whole.
 */
export function* hugeWriteProtectFault(fault: VmFault, entry: number): Task<FaultResult> {
  const { vma, address, unshare } = fault;
  const { frames } = vma.mm.system.memory;
  const folio = pteFrame(entry);
  if (vma.mm.system.isZero(folio)) return yield* replaceHugeZero(fault, entry);
  if (frames.has(folio, PG_ANON) && vma.isCow) {
    if (!frames.has(folio, PG_ANON_EXCLUSIVE) && frames.refcount[folio] === 1) {
      moveAnonRmap(vma, folio);
      frames.set(folio, PG_ANON_EXCLUSIVE);
    }
    if (frames.has(folio, PG_ANON_EXCLUSIVE)) {
      if (!unshare) vma.mm.pageTable.addFlags(pageOf(address), PTE_WRITE | PTE_DIRTY | PTE_ACCESSED | PTE_SOFT_DIRTY);
      return 'done';
    }
  }
  yield* splitHugePmd(vma, address);
  return 'retry';
}

/** do_huge_zero_wp_pmd. */
function* replaceHugeZero(fault: VmFault, entry: number): Task<FaultResult> {
  const { vma, address } = fault;
  const { pageTable, notifiers, system } = vma.mm;
  const start = address - (address % HPAGE_SIZE);
  const folio = yield* newAnonFolio(vma, start, HPAGE_ORDER);
  if (folio < 0) {
    yield* splitHugePmd(vma, address);
    return 'retry';
  }
  const range = notifiers.invalidateRangeStart('CLEAR', start, start + HPAGE_SIZE);
  if (range.holds > 0) yield range;
  const block = pageOf(start);
  const unchanged = pageTable.huge(block) === entry;
  if (unchanged) {
    unmapHuge(vma, block, entry);
    notifiers.archInvalidateSecondaryTlbs(start, start + HPAGE_SIZE);
    mapHuge(vma, start, folio, PTE_ACCESSED | PTE_DIRTY | (vma.has(VM_WRITE) ? PTE_WRITE : 0));
  } else {
    system.memory.put(folio);
  }
  notifiers.invalidateRangeEnd(range);
  return unchanged ? 'done' : 'retry';
}
