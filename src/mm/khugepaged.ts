import { Errno, HPAGE_SIZE, LEAF_SHIFT as HPAGE_ORDER, PAGE_SIZE, PTRS_PER_PTE, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { newAnonFolio } from './anon.js';
import { handleMmFault } from './fault.js';
import { mapHuge, unmapFrame } from './map-frame.js';
import type { AdvisedPart } from './madvise.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_SWAP,
  SWP_SWAP_EXCLUSIVE,
  pteFrame,
  ptePresent,
  swapType,
} from './pte.js';
import { VM_HUGETLB, VM_NOHUGEPAGE, VM_UFFD_MISSING, VM_WRITE, type Vma } from './vma.js';

/** Why a block was not collapsed; `done` if it was, or a huge entry maps it already. */
type ScanResult = 'done' | 'busy' | 'unsuitable' | 'OOM';

/**
 * madvise_collapse: a huge entry for every 2 MiB of the part, one CLEAR for each that has none yet. What is swapped out is
 * brought back; what is missing becomes zeros.
 *
 * @throws Errno EINVAL for memory that is not to have, or cannot have, huge entries; EAGAIN for pages in use; ENOMEM
 */
export function* madviseCollapse({ vma, start, end }: AdvisedPart): Task {
  const what = `MADV_COLLAPSE of ${vma.toString()}`;
  if (!allowsCollapse(vma)) throw new Errno('EINVAL', what);
  vma.mm.system.lruBatches.drain();
  let failure: ScanResult = 'done';
  const first = Math.ceil(start / HPAGE_SIZE) * HPAGE_SIZE;
  for (let address = first; address + HPAGE_SIZE <= end; address += HPAGE_SIZE) {
    const result = yield* collapseBlock(vma, address);
    if (result !== 'done') failure = result;
    if (result === 'unsuitable' || result === 'OOM') break;
  }
  if (failure === 'done') return;
  const code = failure === 'busy' ? 'EAGAIN' : failure === 'OOM' ? 'ENOMEM' : 'EINVAL';
  throw new Errno(code, `${what} at ${hex(start)}: ${failure}`);
}

/** thp_vma_allowable_order with TVA_FORCED_COLLAPSE. */
function allowsCollapse(vma: Vma): boolean {
  if (vma.has(VM_NOHUGEPAGE | VM_HUGETLB)) return false;
  const last = Math.floor((vma.end - HPAGE_SIZE) / HPAGE_SIZE) * HPAGE_SIZE;
  if (last < vma.start) return false;
  if (vma.file === null) return vma.anonVma !== null;
  return vma.file.mapping.options.isShmem === true;
}

/** hpage_collapse_scan_pmd, hpage_collapse_scan_file. */
function* collapseBlock(vma: Vma, address: number): Task<ScanResult> {
  const { pageTable } = vma.mm;
  const block = pageOf(address);
  if (ptePresent(pageTable.huge(block))) return 'done';
  if (vma.file !== null || pageTable.leaf(block) === null) return 'unsuitable';
  const scanned = scan(vma, block);
  if (scanned !== 'done') return scanned;
  yield* swapIn(vma, address);
  return yield* collapseHugePage(vma, address);
}

/** Whether all entries could be replaced. */
function scan(vma: Vma, block: number): ScanResult {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  for (let page = block; page < block + PTRS_PER_PTE; page++) {
    const pte = pageTable.get(page);
    if (pte === PTE_NONE || (ptePresent(pte) && system.isZero(pteFrame(pte)))) {
      if (vma.has(VM_UFFD_MISSING)) return 'unsuitable';
      continue;
    }
    const type = swapType(pte);
    if ((pte & PTE_UFFD_WP) !== 0) return 'unsuitable';
    if (type === SWP_SWAP || type === SWP_SWAP_EXCLUSIVE) continue;
    if (!ptePresent(pte)) return 'unsuitable';
    // is_refcount_suitable
    const folio = frames.folioOf(pteFrame(pte));
    if (frames.refcount[folio] !== frames.folioMapcount(folio)) return 'busy';
  }
  return 'done';
}

/** __collapse_huge_page_swapin. */
function* swapIn(vma: Vma, address: number): Task {
  const { pageTable } = vma.mm;
  for (let at = address; at < address + HPAGE_SIZE; at += PAGE_SIZE) {
    const type = swapType(pageTable.get(pageOf(at)));
    if (type === SWP_SWAP || type === SWP_SWAP_EXCLUSIVE) yield* handleMmFault(vma, at, false);
  }
}

/** collapse_huge_page: the entries go inside a CLEAR; the pages are copied, and the copy is mapped, behind it. */
function* collapseHugePage(vma: Vma, address: number): Task<ScanResult> {
  const { notifiers, pageTable, system } = vma.mm;
  const { memory } = system;
  const block = pageOf(address);
  const folio = yield* newAnonFolio(vma, address, HPAGE_ORDER);
  if (folio < 0) return 'OOM';
  const range = notifiers.invalidateRangeStart('CLEAR', address, address + HPAGE_SIZE);
  if (range.holds > 0) yield range;
  const result = scan(vma, block);
  const entries: [page: number, frame: number][] = [];
  if (result === 'done') {
    pageTable.forEach(block, block + PTRS_PER_PTE, (page, pte) => {
      entries.push([page, unmapFrame(vma, page, pte)]);
    });
    pageTable.dropLeaf(block);
    notifiers.archInvalidateSecondaryTlbs(address, address + HPAGE_SIZE);
  }
  notifiers.invalidateRangeEnd(range);
  if (result !== 'done') {
    memory.put(folio);
    return result;
  }
  for (const [page, frame] of entries) {
    if (frame < 0) continue;
    memory.contents.copy(memory.contents, frame, folio + (page - block));
    memory.put(memory.frames.folioOf(frame));
  }
  mapHuge(vma, address, folio, PTE_ACCESSED | PTE_DIRTY | (vma.has(VM_WRITE) ? PTE_WRITE : 0));
  return 'done';
}
