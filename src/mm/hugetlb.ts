import { HPAGE_SIZE, LEAF_SHIFT as HPAGE_ORDER, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { anonVmaPrepare } from './anon-vma.js';
import type { MmSystem } from './mm-system.js';
import { blockOf, mapHuge, unmapHuge } from './map-frame.js';
import { settledEntry } from './migrate-folio.js';
import { addToPageCache } from './page-cache.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_HUGETLB, PG_HWPOISON, PG_UPTODATE } from './page-flags.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_SOFT_DIRTY,
  PTE_WRITE,
  SWP_MIGRATION,
  pteFrame,
  ptePresent,
  pteWritable,
  swapType,
} from './pte.js';
import { VM_SHARED, VM_WRITE, type Vma } from './vma.js';

/**
 * hugetlb_fault (mm/hugetlb.c): makes the 2 MiB around an address of a hugetlb mapping usable. They are one folio and one
 * entry, always: nothing of it is ever split, swapped or zero-mapped.
 */
export function* hugetlbFault(fault: VmFault): Task<FaultResult> {
  const { vma, address, write, unshare } = fault;
  const { pageTable } = vma.mm;
  const page = pageOf(address);
  const entry = pageTable.huge(page);
  if (entry === PTE_NONE) return yield* hugetlbNoPage(fault);
  if (swapType(entry) === SWP_MIGRATION) {
    yield* settledEntry(vma.mm, page);
    return 'retry';
  }
  if (!ptePresent(entry)) return 'HWPOISON';
  if ((write || unshare) && !pteWritable(entry)) return yield* hugetlbWp(fault, entry);
  pageTable.setHuge(page, entry | PTE_ACCESSED | (write ? PTE_DIRTY : 0));
  return 'done';
}

/** alloc_hugetlb_folio: a zeroed folio of 2 MiB with one reference; -1 if there is none. */
export function* allocHugetlbFolio(system: MmSystem, node: number | null): Task<number> {
  const folio = yield* system.allocate(HPAGE_ORDER, node ?? 0);
  if (folio >= 0) system.memory.frames.set(folio, PG_HUGETLB | PG_UPTODATE);
  return folio;
}

/** make_huge_pte: bits of a new entry. Without a wish to write, or a right to, it is read-only and clean. */
export function hugePteFlags(vma: Vma, write: boolean): number {
  return PTE_ACCESSED | (write && vma.has(VM_WRITE) ? PTE_WRITE | PTE_DIRTY : 0);
}

/** hugetlb_add_new_anon_rmap: the folio is this mapping's own from now on, and nobody else's. */
export function addNewAnonFolio(vma: Vma, folio: number, address: number): void {
  const { frames } = vma.mm.system.memory;
  const anonVma = anonVmaPrepare(vma);
  frames.set(folio, PG_ANON | PG_ANON_EXCLUSIVE);
  frames.owner[folio] = anonVma.id;
  frames.index[folio] = vma.pageIndex(address) - anonVma.base;
}

/** Copies 2 MiB. */
export function copyHugetlbFolio(vma: Vma, from: number, to: number): void {
  const { contents } = vma.mm.system.memory;
  for (let i = 0; i < PTRS_PER_PTE; i++) contents.copy(contents, from + i, to + i);
}

/**
 * hugetlb_no_page: the file's folio, a new one if it has none; a private mapping's new folio never enters the file.
 * A shared mapping may write at once, whoever asked for what.
 */
function* hugetlbNoPage(fault: VmFault): Task<FaultResult> {
  const { vma, address, write } = fault;
  const { pageTable, system } = vma.mm;
  const { memory } = system;
  const mapping = vma.file?.mapping;
  const block = blockOf(pageOf(address));
  const start = block * (HPAGE_SIZE / PTRS_PER_PTE);
  const index = vma.pageIndex(start);
  if (mapping === undefined) return 'SIGBUS';
  let folio = mapping.pages.get(index);
  if (folio === 0) {
    if (index >= mapping.sizeInPages) return 'SIGBUS';
    folio = yield* allocHugetlbFolio(system, vma.policyNode);
    if (folio < 0) return 'SIGBUS';
    if (pageTable.huge(block) !== PTE_NONE || mapping.pages.get(index) !== 0) {
      memory.put(folio);
      return 'retry';
    }
    if (vma.has(VM_SHARED)) addToPageCache(system, mapping, folio, index);
    else addNewAnonFolio(vma, folio, start);
  } else if (memory.frames.has(folio, PG_HWPOISON)) {
    return 'HWPOISON';
  } else {
    memory.frames.get(folio);
  }
  mapHuge(vma, start, folio, hugePteFlags(vma, vma.has(VM_SHARED)));
  // The copy, if it has to be one, is made without a second fault.
  const wp = write && !vma.has(VM_SHARED);
  return wp ? yield* hugetlbWp(fault, pageTable.huge(block)) : 'done';
}

/** hugetlb_wp: takes over a folio that nobody else maps, or replaces it by a copy and says CLEAR. */
function* hugetlbWp(fault: VmFault, entry: number): Task<FaultResult> {
  const { vma, address, unshare } = fault;
  const { notifiers, pageTable, system } = vma.mm;
  const { memory } = system;
  const block = blockOf(pageOf(address));
  const old = pteFrame(entry);
  const mine = memory.frames.has(old, PG_ANON) && memory.frames.folioMapcount(old) === 1;
  if (vma.has(VM_SHARED) || mine) {
    if (mine) memory.frames.set(old, PG_ANON_EXCLUSIVE);
    if (!unshare) pageTable.setHuge(block, entry | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED | PTE_SOFT_DIRTY);
    return 'done';
  }
  memory.frames.get(old);
  const copy = yield* allocHugetlbFolio(system, vma.policyNode);
  if (copy < 0) {
    memory.put(old);
    return 'SIGBUS';
  }
  copyHugetlbFolio(vma, old, copy);
  const start = block * (HPAGE_SIZE / PTRS_PER_PTE);
  const range = notifiers.invalidateRangeStart('CLEAR', start, start + HPAGE_SIZE);
  if (range.holds > 0) yield range;
  const unchanged = pageTable.huge(block) === entry;
  if (unchanged) {
    addNewAnonFolio(vma, copy, start);
    unmapHuge(vma, block, entry);
    memory.put(old);
    notifiers.archInvalidateSecondaryTlbs(start, start + HPAGE_SIZE);
    mapHuge(vma, start, copy, hugePteFlags(vma, !unshare));
  } else {
    memory.put(copy);
  }
  notifiers.invalidateRangeEnd(range);
  memory.put(old);
  return unchanged ? 'done' : 'retry';
}
