import { HPAGE_SIZE, LEAF_SHIFT as HPAGE_ORDER, PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { newAnonFolio } from './anon.js';
import { folioExpectedRefCount } from './folio-refs.js';
import { mapHuge, unmapFrame } from './map-frame.js';
import { settledEntry } from './migrate-folio.js';
import { NodeLoad } from './node-load.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_MIGRATION,
  SWP_SWAP,
  SWP_SWAP_EXCLUSIVE,
  pteFrame,
  ptePresent,
  swapType,
} from './pte.js';
import type { ScanResult } from './scan-result.js';
import { swapFault } from './swap-fault.js';
import { VM_UFFD, VM_WRITE, type Vma } from './vma.js';

/**
 * hpage_collapse_scan_pmd, collapse_huge_page: a folio of 2 MiB in place of the pages of a block. What is swapped out is
 * brought back; what is missing becomes zeros. The caller holds mmap_lock exclusively.
 */
export function* collapseAnonymous(vma: Vma, address: number): Task<ScanResult> {
  const { pageTable, system } = vma.mm;
  const block = pageOf(address);
  if (pageTable.huge(block) !== PTE_NONE) return 'pmd mapped';
  if (pageTable.leaf(block) === null) return 'no pte table';
  const load = new NodeLoad(system.memory);
  const scanned = scan(vma, block, (frame) => {
    load.add(frame);
  });
  if (scanned !== 'succeed' && scanned !== 'pte non present') return scanned;
  const folio = yield* newAnonFolio(vma, address, HPAGE_ORDER, load.targetNode);
  if (folio < 0) return 'alloc huge page fail';
  let result: ScanResult = (yield* swapIn(vma, address)) ? 'succeed' : 'fail';
  if (result === 'succeed') result = yield* collapseHugePage(vma, address, folio);
  if (result !== 'succeed') system.memory.put(folio);
  return result;
}

/**
 * What stands in the way of replacing all entries; `pte non present` if only pages that are not there, which may be brought
 * back.
 *
 * @param found called for every page that is there
 */
function scan(vma: Vma, block: number, found: (frame: number) => void): ScanResult {
  const { pageTable, system } = vma.mm;
  const { memory } = system;
  let result: ScanResult = 'succeed';
  for (let page = block; page < block + PTRS_PER_PTE; page++) {
    const pte = pageTable.get(page);
    if (pte === PTE_NONE || (ptePresent(pte) && system.isZero(pteFrame(pte)))) {
      if (vma.has(VM_UFFD)) return 'exceed none pte';
      continue;
    }
    if ((pte & PTE_UFFD_WP) !== 0) return 'pte uffd wp';
    if (!ptePresent(pte)) {
      result = 'pte non present';
      continue;
    }
    const folio = memory.frames.folioOf(pteFrame(pte));
    found(folio);
    if (memory.isLocked(folio)) return 'page lock';
    if (memory.frames.refcount[folio] !== folioExpectedRefCount(system, folio)) return 'page count';
  }
  return result;
}

/** __collapse_huge_page_swapin. False: a marker is there, or memory has run out. */
function* swapIn(vma: Vma, address: number): Task<boolean> {
  const { pageTable } = vma.mm;
  for (let at = address; at < address + HPAGE_SIZE; at += PAGE_SIZE) {
    for (let pte = pageTable.get(pageOf(at)); pte !== PTE_NONE && !ptePresent(pte); pte = pageTable.get(pageOf(at))) {
      const type = swapType(pte);
      if (type === SWP_MIGRATION) {
        yield* settledEntry(vma.mm, pageOf(at));
        continue;
      }
      if (type !== SWP_SWAP && type !== SWP_SWAP_EXCLUSIVE) return false;
      const pgoff = vma.pageIndex(at);
      const fault = { vma, address: at, pgoff, write: false, unshare: false, allowRetry: false, entry: pte, frame: 0 };
      if ((yield* swapFault(fault, pte)) === 'OOM') return false;
    }
  }
  return true;
}

/**
 * collapse_huge_page: the page table goes inside a CLEAR. The pages are then looked at once more, for nobody can refer to them any
 * more through this mm; if somebody does, the page table comes back. Otherwise the copy is mapped.
 */
function* collapseHugePage(vma: Vma, address: number, folio: number): Task<ScanResult> {
  const { notifiers } = vma.mm;
  const range = notifiers.invalidateRangeStart('CLEAR', address, address + HPAGE_SIZE);
  if (range.holds > 0) yield range;
  notifiers.archInvalidateSecondaryTlbs(address, address + HPAGE_SIZE);
  const result = replaceEntries(vma, address, folio);
  notifiers.invalidateRangeEnd(range);
  return result;
}

/** __collapse_huge_page_isolate and __collapse_huge_page_copy. */
function replaceEntries(vma: Vma, address: number, folio: number): ScanResult {
  const { pageTable, system } = vma.mm;
  const { memory } = system;
  const block = pageOf(address);
  const result = scan(vma, block, () => undefined);
  if (result !== 'succeed') return result;
  pageTable.forEach(block, block + PTRS_PER_PTE, (page, pte) => {
    const frame = unmapFrame(vma, page, pte);
    if (frame < 0) return;
    memory.contents.copy(memory.contents, frame, folio + (page - block));
    memory.put(memory.frames.folioOf(frame));
  });
  pageTable.dropLeaf(block);
  mapHuge(vma, address, folio, PTE_ACCESSED | PTE_DIRTY | (vma.has(VM_WRITE) ? PTE_WRITE : 0));
  return 'succeed';
}
