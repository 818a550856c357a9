import { HPAGE_SIZE, LEAF_SHIFT as HPAGE_ORDER, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import { mapHuge, unmapFrame } from './map-frame.js';
import { PTE_ACCESSED, PTE_NONE, PTE_WRITE, pteFrame, ptePresent } from './pte.js';
import type { ScanResult } from './scan-result.js';
import { VM_MAYBE_GUARD, VM_UFFD_WP, type Vma } from './vma.js';

/**
 * try_collapse_pte_mapped_thp: a huge entry for a folio of 2 MiB that the cache has. If there is a page table, it goes in one
 * CLEAR; otherwise nobody is told.
 */
export function* collapsePteMappedThp(vma: Vma, mapping: AddressSpace, address: number): Task<ScanResult> {
  const { pageTable, system } = vma.mm;
  const { memory } = system;
  const { frames } = memory;
  if (pageTable.huge(pageOf(address)) !== PTE_NONE) return 'pmd mapped';
  if (vma.has(VM_UFFD_WP)) return 'pte uffd wp';
  const folio = frames.folioOf(mapping.pages.get(vma.pageIndex(address)));
  if (folio === 0) return 'page null';
  frames.get(folio);
  yield* memory.lockFolio(folio);
  let result: ScanResult = 'page compound';
  if (system.mappingOf(folio) !== mapping) result = 'page null';
  else if (frames.order(folio) === HPAGE_ORDER) result = yield* removeSmallEntries(vma, address, folio);
  if (result === 'succeed') {
    frames.get(folio);
    mapHuge(vma, address, folio, PTE_ACCESSED | (vma.readsMapWritable ? PTE_WRITE : 0));
  }
  memory.unlockFolio(folio);
  memory.put(folio);
  return result;
}

/** The page table of a block goes, unless it has anything but pages of the folio, in their places. */
function* removeSmallEntries(vma: Vma, address: number, folio: number): Task<ScanResult> {
  const { pageTable, notifiers, system } = vma.mm;
  const block = pageOf(address);
  if (pageTable.leaf(block) === null) return 'succeed';
  const checked = checkEntries(vma, block, folio);
  if (checked !== 'succeed') return checked;
  const range = notifiers.invalidateRangeStart('CLEAR', address, address + HPAGE_SIZE);
  if (range.holds > 0) yield range;
  // Entries may have been swapped out or migrated while the drivers were waited for.
  const result = checkEntries(vma, block, folio);
  if (result === 'succeed') {
    pageTable.forEach(block, block + PTRS_PER_PTE, (page, pte) => {
      // Dirty or not: pages of shmem are taken for dirty already.
      unmapFrame(vma, page, pte);
      system.memory.put(folio);
    });
    pageTable.dropLeaf(block);
    notifiers.archInvalidateSecondaryTlbs(address, address + HPAGE_SIZE);
  }
  notifiers.invalidateRangeEnd(range);
  return result;
}

function checkEntries(vma: Vma, block: number, folio: number): ScanResult {
  let result: ScanResult = 'succeed';
  vma.mm.pageTable.forEach(block, block + PTRS_PER_PTE, (page, pte) => {
    if (result !== 'succeed') return;
    if (!ptePresent(pte)) result = 'pte non present';
    else if (pteFrame(pte) !== folio + (page - block)) result = 'fail';
  });
  return result;
}

/**
 * retract_page_tables: the page tables of a block of a file, which are empty, go wherever the block could have a huge entry
 * instead. One CLEAR each. Private mappings that have been written to keep theirs.
 */
export function* retractPageTables(mapping: AddressSpace, first: number): Task {
  yield mapping.iMmapLock.shared;
  const vmas: Vma[] = [];
  mapping.iMmap.forEachOverlap(first, first, (vma) => vmas.push(vma));
  for (const vma of vmas) {
    const address = vma.addressOf(first);
    if (address % HPAGE_SIZE !== 0 || vma.end < address + HPAGE_SIZE || !isRetractable(vma, address)) continue;
    const { notifiers, pageTable } = vma.mm;
    const range = notifiers.invalidateRangeStart('CLEAR', address, address + HPAGE_SIZE);
    if (range.holds > 0) yield range;
    if (isRetractable(vma, address)) {
      pageTable.dropLeaf(pageOf(address));
      notifiers.archInvalidateSecondaryTlbs(address, address + HPAGE_SIZE);
    }
    notifiers.invalidateRangeEnd(range);
  }
  mapping.iMmapLock.releaseShared();
}

/** file_backed_vma_is_retractable, of a page table: nothing in it would be lost, such as the markers of a guard. */
function isRetractable(vma: Vma, address: number): boolean {
  if (vma.anonVma !== null || vma.has(VM_UFFD_WP | VM_MAYBE_GUARD)) return false;
  return vma.mm.pageTable.leaf(pageOf(address))?.every((pte) => pte === PTE_NONE) ?? false;
}
