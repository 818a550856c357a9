import { PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { newAnonPage } from './anon.js';
import { blockOf, mapFrame, mapHuge } from './map-frame.js';
import { PG_HWPOISON } from './page-flags.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_NONE, PTE_UFFD_WP, PTE_WRITE } from './pte.js';
import { VM_NOHUGEPAGE, VM_UFFD, VM_UFFD_WP, VM_WRITE, type Vma } from './vma.js';
import { pageMkwrite } from './wp-fault.js';

/** fault_around_bytes, 64 KiB by default, in pages. */
const FAULT_AROUND_PAGES = 16;

/** do_read_fault: maps what the cache has around the page, writable only if nobody wants to hear of the first write. */
export function* readFault(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const flags = PTE_ACCESSED | (vma.readsMapWritable ? PTE_WRITE : 0);
  // uffd_disable_fault_around
  if (!vma.has(VM_UFFD_WP)) faultAround(fault, flags);
  if (vma.mm.pageTable.get(pageOf(address)) !== fault.entry) return 'done';
  const result = yield* fetch(fault);
  return result === 'locked' ? finish(fault, flags) : result;
}

/** do_shared_fault: page_mkwrite first, so the file system has reserved what a write needs before one can happen. */
export function* sharedFault(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const { system } = vma.mm;
  const fetched = yield* fetch(fault);
  if (fetched !== 'locked') return fetched;
  const folio = system.memory.frames.folioOf(fault.frame);
  if (vma.file?.vmOps.pageMkwrite !== undefined) {
    system.memory.unlockFolio(folio);
    const prepared = yield* pageMkwrite(fault);
    if (prepared !== 'locked') {
      system.memory.put(folio);
      return prepared;
    }
  }
  const { pageTable } = vma.mm;
  if (pageTable.get(pageOf(address)) === fault.entry) system.markDirty(folio);
  return finish(fault, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
}

/** do_cow_fault: a write to a private mapping of a file gets a copy at once. */
export function* cowFault(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const { memory } = vma.mm.system;
  const copy = yield* newAnonPage(vma, address);
  if (copy < 0) return 'OOM';
  const result = yield* fetch(fault);
  if (result !== 'locked') {
    memory.put(copy);
    return result;
  }
  const source = memory.frames.folioOf(fault.frame);
  memory.contents.copy(memory.contents, fault.frame, copy);
  memory.unlockFolio(source);
  memory.put(source);
  if (vma.mm.pageTable.get(pageOf(address)) !== fault.entry) {
    memory.put(copy);
    return 'retry';
  }
  const writable = vma.has(VM_WRITE) ? PTE_WRITE : 0;
  mapFrame(vma, address, copy, protectedFlags(fault, PTE_DIRTY | PTE_ACCESSED | writable));
  return 'done';
}

/**
 * do_fault_around: maps what is in the cache of the block of 16 pages around the fault, within the mapping and the page
 * table; of a large folio all of it if that fits. It does not sleep; if it reached the faulting page, the fault is over.
 */
function faultAround(fault: VmFault, flags: number): void {
  const { vma, address, pgoff } = fault;
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const page = pageOf(address);
  const first = Math.max(page - (page % FAULT_AROUND_PAGES), pageOf(vma.start));
  const end = Math.min(first + FAULT_AROUND_PAGES, page - (page % PTRS_PER_PTE) + PTRS_PER_PTE, pageOf(vma.end));
  vma.file?.vmOps.mapPages?.(pgoff + first - page, pgoff + end - page, (index, frame) => {
    const at = page + (index - pgoff);
    if (pageTable.get(at) !== PTE_NONE || frames.has(frame, PG_HWPOISON)) return;
    const folio = frames.folioOf(frame);
    const last = isLast(vma, folio);
    // Linux takes the last folio of a file for one that reaches beyond it, and then makes no page table for it.
    if (last && pageTable.leaf(page) === null) return;
    if (!last && (folio !== frame || frames.order(folio) > 0)) {
      if (mapWholeBlock(vma, at, frame, flags)) return;
      if (fits(vma, at, frame)) {
        mapEmptyEntries(vma, at - (frame - folio), folio, flags);
        return;
      }
    }
    frames.get(folio);
    mapFrame(vma, at * PAGE_SIZE, frame, flags);
  });
}

/** Whether nothing of the file lies behind the folio, on file systems that must keep what is beyond the end a SIGBUS. */
function isLast(vma: Vma, folio: number): boolean {
  const { frames } = vma.mm.system.memory;
  const mapping = vma.file?.mapping;
  if (mapping === undefined || mapping.options.isShmem === true) return false;
  return frames.index[folio] + frames.pages(folio) >= mapping.sizeInPages;
}

/** __do_fault: `locked` with the folio locked and one reference for the entry to come. */
function* fetch(fault: VmFault): Task<FaultResult> {
  const { file, mm } = fault.vma;
  const result = file === null ? 'SIGBUS' : yield* file.vmOps.fault(fault);
  const { memory } = mm.system;
  if (result !== 'locked' || !memory.frames.has(fault.frame, PG_HWPOISON)) return result;
  const folio = memory.frames.folioOf(fault.frame);
  memory.unlockFolio(folio);
  memory.put(folio);
  return 'HWPOISON';
}

/**
 * finish_fault: installs entries for the whole folio if it fits and nothing is in the way, for the page otherwise, unless
 * somebody else did; and unlocks the folio.
 */
function finish(fault: VmFault, flags: number): FaultResult {
  const { vma, frame, address } = fault;
  const { memory } = vma.mm.system;
  const { frames } = memory;
  const page = pageOf(address);
  const folio = frames.folioOf(frame);
  const raced = vma.mm.pageTable.get(page) !== fault.entry;
  if (!raced && !mapWhole(vma, page, frame, flags)) {
    frames.get(folio);
    mapFrame(vma, address, frame, protectedFlags(fault, flags));
  }
  memory.unlockFolio(folio);
  memory.put(folio);
  return raced ? 'retry' : 'done';
}

/** vmf_orig_pte_uffd_wp: a page that a marker protects comes back protected. */
function protectedFlags(fault: VmFault, flags: number): number {
  return (fault.entry & PTE_UFFD_WP) === 0 ? flags : (flags & ~PTE_WRITE) | PTE_UFFD_WP;
}

/** Maps a large folio as a whole, by a huge entry or by small ones. False: it does not fit, or something is in the way. */
function mapWhole(vma: Vma, page: number, frame: number, flags: number): boolean {
  const { frames } = vma.mm.system.memory;
  const folio = frames.folioOf(frame);
  const pages = frames.pages(folio);
  if (pages === 1) return false;
  if (mapWholeBlock(vma, page, frame, flags)) return true;
  // Page by page where a userfaultfd watches.
  if (vma.has(VM_UFFD) || !fits(vma, page, frame)) return false;
  const first = page - (frame - folio);
  for (let i = 0; i < pages; i++) if (vma.mm.pageTable.get(first + i) !== PTE_NONE) return false;
  mapEmptyEntries(vma, first, folio, flags);
  return true;
}

/** set_pte_range: small entries for all pages of a folio that have none. */
function mapEmptyEntries(vma: Vma, first: number, folio: number, flags: number): void {
  const { frames } = vma.mm.system.memory;
  for (let i = 0; i < frames.pages(folio); i++) {
    if (vma.mm.pageTable.get(first + i) !== PTE_NONE) continue;
    frames.get(folio);
    mapFrame(vma, (first + i) * PAGE_SIZE, folio + i, flags);
  }
}

/**
 * do_set_pmd: a huge entry for a folio of 2 MiB, if it is aligned in memory as in the file, the mapping shows all of it
 * and wants huge entries, and there is no page table yet.
 */
function mapWholeBlock(vma: Vma, page: number, frame: number, flags: number): boolean {
  const { frames } = vma.mm.system.memory;
  const folio = frames.folioOf(frame);
  const block = blockOf(page);
  if (frames.pages(folio) !== PTRS_PER_PTE || vma.has(VM_NOHUGEPAGE)) return false;
  if (page - (frame - folio) !== block || !fits(vma, page, frame)) return false;
  if (vma.mm.pageTable.isPopulatedIn(block, block + PTRS_PER_PTE)) return false;
  frames.get(folio);
  mapHuge(vma, block * PAGE_SIZE, folio, flags);
  return true;
}

/**
 * Whether all of the folio can be mapped together: it is within the mapping, within one page table, and within the file
 * (what is beyond its end must stay a SIGBUS).
 */
function fits(vma: Vma, page: number, frame: number): boolean {
  const { frames } = vma.mm.system.memory;
  const folio = frames.folioOf(frame);
  const first = page - (frame - folio);
  const end = first + frames.pages(folio);
  if (first * PAGE_SIZE < vma.start || end * PAGE_SIZE > vma.end || blockOf(first) !== blockOf(end - 1)) return false;
  const mapping = vma.file?.mapping;
  if (mapping === undefined) return false;
  return mapping.options.isShmem === true || frames.index[folio] + frames.pages(folio) <= mapping.sizeInPages;
}
