import { PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import { splitHugePmd } from './huge-pmd.js';
import { keepUffdWp, unmapFrame, unmapHuge } from './map-frame.js';
import type { MmStruct } from './mm-struct.js';
import { MmuGather } from './mmu-gather.js';
import { PG_ANON, PG_REFERENCED } from './page-flags.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  SWP_DEVICE_EXCLUSIVE,
  SWP_GUARD,
  SWP_HWPOISON,
  SWP_MARKER,
  pteFrame,
  ptePresent,
  swapType,
} from './pte.js';
import { freeSwapEntry } from './swap-entry.js';
import type { Vma } from './vma.js';

/** Linux's struct zap_details. */
interface ZapDetails {
  /** Also the private copies of a file's pages. */
  readonly evenCows: boolean;
  /** ZAP_FLAG_DROP_MARKER: the mapping goes, so its markers mean nothing any more. */
  readonly dropMarkers: boolean;
  /** Page tables that have become empty go too. */
  readonly reclaimPt: boolean;
}

const UNMAP: ZapDetails = { evenCows: true, dropMarkers: true, reclaimPt: false };

/**
 * unmap_vmas (mm/memory.c): removes every entry of [start, end) in one UNMAP, over all mappings and holes. The caller
 * holds mmap_lock and has taken the mappings off the mm.
 *
 * @param whole announced and flushed instead of [start, end): exit announces the whole address space
 */
export function* unmapVmas(
  mm: MmStruct,
  vmas: readonly Vma[],
  start: number,
  end: number,
  whole: { readonly start: number; readonly end: number } | null = null,
): Task {
  const gather = new MmuGather(mm, whole);
  const announced = whole ?? { start, end };
  const range = mm.notifiers.invalidateRangeStart('UNMAP', announced.start, announced.end);
  if (range.holds > 0) yield range;
  for (const vma of vmas) yield* zapPages(vma, Math.max(start, vma.start), Math.min(end, vma.end), UNMAP, gather);
  mm.notifiers.invalidateRangeEnd(range);
  gather.finish();
}

/**
 * zap_page_range_single: removes the entries of a part of one mapping in one CLEAR, even where nothing is populated.
 *
 * @param evenCows also the private copies of a file's pages
 */
export function* zapPageRange(vma: Vma, start: number, end: number, evenCows = true): Task {
  const gather = new MmuGather(vma.mm);
  yield* zapRange(vma, start, end, { evenCows, dropMarkers: false, reclaimPt: false }, gather);
  gather.finish();
}

/**
 * madvise_dontneed_single_vma: as zapPageRange, and a 2 MiB block that goes as a whole loses its page table, so that the next
 * fault may map it by a huge entry. The caller finishes the gather.
 */
export function* zapAndReclaimPt(vma: Vma, start: number, end: number, gather: MmuGather): Task {
  yield* zapRange(vma, start, end, { evenCows: true, dropMarkers: false, reclaimPt: true }, gather);
}

/** zap_page_range_single_batched. */
function* zapRange(vma: Vma, start: number, end: number, details: ZapDetails, gather: MmuGather): Task {
  const { notifiers } = vma.mm;
  const range = notifiers.invalidateRangeStart('CLEAR', start, end);
  if (range.holds > 0) yield range;
  yield* zapPages(vma, start, end, details, gather);
  notifiers.invalidateRangeEnd(range);
}

/**
 * zap_vma_for_reaping: removes every entry of a mapping in one CLEAR that nobody may sleep in.
 * @returns false if a driver would have to: nothing has changed
 */
export function* zapVmaForReaping(vma: Vma): Task<boolean> {
  const { notifiers } = vma.mm;
  const range = notifiers.invalidateRangeStartNonblock('CLEAR', vma.start, vma.end);
  if (range === null) return false;
  const gather = new MmuGather(vma.mm);
  yield* zapPages(vma, vma.start, vma.end, { evenCows: true, dropMarkers: false, reclaimPt: false }, gather);
  notifiers.invalidateRangeEnd(range);
  gather.finish();
  return true;
}

/**
 * unmap_mapping_range: removes the mappings of pages [first, end) of a file, one CLEAR per mapping.
 *
 * @param evenCows also the private copies, as truncation does and invalidation before direct I/O does not
 */
export function* unmapMappingRange(mapping: AddressSpace, first: number, end: number, evenCows: boolean): Task {
  yield mapping.iMmapLock.shared;
  const vmas: Vma[] = [];
  mapping.iMmap.forEachOverlap(first, end - 1, (vma) => vmas.push(vma));
  for (const vma of vmas) {
    const from = Math.max(vma.start, vma.addressOf(first));
    const to = Math.min(vma.end, vma.addressOf(end));
    yield* zapPageRange(vma, from, to, evenCows);
  }
  mapping.iMmapLock.releaseShared();
}

/**
 * unmap_page_range: removes entries leaf by leaf. A huge entry of which only a part goes is split first, which tells
 * the drivers again, inside the caller's range.
 */
function* zapPages(vma: Vma, start: number, end: number, details: ZapDetails, gather: MmuGather): Task {
  const { pageTable } = vma.mm;
  const to = pageOf(end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(start), to)) {
    if (pageTable.huge(page) !== PTE_NONE) {
      if (stop - page === PTRS_PER_PTE) zapHuge(vma, page, gather);
      else yield* splitHugePmd(vma, page * PAGE_SIZE);
    }
    zapPtes(vma, page, stop, details, gather);
    if (details.reclaimPt && stop - page === PTRS_PER_PTE) pageTable.dropEmptyLeaf(page);
  }
}

/** zap_huge_pmd. */
function zapHuge(vma: Vma, page: number, gather: MmuGather): void {
  const { system, pageTable } = vma.mm;
  const { frames } = system.memory;
  const entry = pageTable.huge(page);
  gather.removeEntries(page, page + PTRS_PER_PTE);
  if (!ptePresent(entry)) {
    pageTable.setHuge(page, PTE_NONE);
    return;
  }
  const folio = unmapHuge(vma, page, entry);
  if (folio < 0) return;
  if (!frames.has(folio, PG_ANON)) {
    if ((entry & PTE_DIRTY) !== 0) system.markDirty(folio);
    if ((entry & PTE_ACCESSED) !== 0) frames.set(folio, PG_REFERENCED);
  }
  gather.removePage(folio);
}

/**
 * zap_pte_range. Entries hand what they know to the folio: dirty, referenced. A dirty page of a file can be written back
 * as soon as it is marked, so the TLB is flushed before the table is left.
 */
function zapPtes(vma: Vma, from: number, to: number, details: ZapDetails, gather: MmuGather): void {
  const { system, pageTable } = vma.mm;
  const { frames } = system.memory;
  let dirtied = 0;
  pageTable.forEach(from, to, (page, pte) => {
    if (!ptePresent(pte) && swapType(pte) !== SWP_DEVICE_EXCLUSIVE) {
      zapSwapEntry(vma, page, pte, details);
      return;
    }
    const folio = frames.folioOf(pteFrame(pte));
    if (!details.evenCows && frames.has(folio, PG_ANON)) return;
    const mapped = unmapFrame(vma, page, pte) >= 0;
    if (!details.dropMarkers) keepUffdWp(vma, page, pte);
    gather.removeEntries(page, page + 1);
    if (!mapped) return;
    if (system.mappingOf(folio) !== null) {
      if ((pte & PTE_DIRTY) !== 0) {
        system.markDirty(folio);
        dirtied++;
      }
      if ((pte & PTE_ACCESSED) !== 0) frames.set(folio, PG_REFERENCED);
    }
    gather.removePage(folio);
  });
  if (dirtied > 0) gather.flushTlb();
}

/** zap_nonpresent_ptes: what an entry that is not present stood for is given up with it. */
function zapSwapEntry(vma: Vma, page: number, entry: number, details: ZapDetails): void {
  const type = swapType(entry);
  if (type === SWP_GUARD || type === SWP_MARKER || type === SWP_HWPOISON) {
    if (details.dropMarkers || (type === SWP_HWPOISON && details.evenCows)) vma.mm.pageTable.set(page, PTE_NONE);
    return;
  }
  if (!details.evenCows) return;
  freeSwapEntry(vma, entry);
  vma.mm.pageTable.set(page, PTE_NONE);
  if (!details.dropMarkers) keepUffdWp(vma, page, entry);
}
