import { PAGE_SIZE, pageOf } from '../base/index.js';
import { SimulationError, type Task } from '../engine/index.js';
import { ULONG_MAX } from '../../notifiers/index.js';
import { anonVmaFork } from './anon-vma.js';
import { newAnonPage } from './anon.js';
import { restoreExclusiveEntry } from './exclusive-entry.js';
import { splitHugePmd } from './huge-pmd.js';
import { mapFrame } from './map-frame.js';
import { settledEntry } from './migrate-folio.js';
import type { MmStruct } from './mm-struct.js';
import { PG_ANON, PG_ANON_EXCLUSIVE } from './page-flags.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_DEVICE_EXCLUSIVE,
  SWP_GUARD,
  SWP_HWPOISON,
  pteFrame,
  ptePresent,
  swapType,
} from './pte.js';
import { enterFile } from './split-vma.js';
import { duplicateSwapEntry } from './swap-entry.js';
import {
  VM_COPY_ON_FORK,
  VM_DONTCOPY,
  VM_LOCKED,
  VM_SHARED,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  VM_WIPEONFORK,
  VM_WRITE,
  Vma,
} from './vma.js';

/** Flags that a child's mapping does not inherit. */
const NOT_INHERITED = VM_LOCKED | VM_UFFD_MISSING | VM_UFFD_WP;

/**
 * dup_mmap (mm/mmap.c): the address space of a child. Private pages are shared from now on and read-only on both sides, which
 * is told in one PROTECTION_PAGE per mapping that has any; shared mappings are not copied at all, nor told.
 */
export function* forkMm(parent: MmStruct, name: string): Task<MmStruct> {
  const { system } = parent;
  const child = system.newMm(name);
  yield parent.mmapLock.exclusive;
  system.ksm.fork(child, parent);
  for (const vma of [...parent.vmas]) {
    if (vma.has(VM_DONTCOPY)) continue;
    const copy = new Vma(child, vma.start, vma.end, vma.flags & ~NOT_INHERITED, vma.pgoff, vma.file);
    copy.policyNode = vma.policyNode;
    if (!vma.has(VM_WIPEONFORK)) anonVmaFork(copy, vma);
    child.vmas.insert(copy);
    const mapping = vma.file?.mapping;
    if (mapping !== undefined) {
      yield mapping.iMmapLock.exclusive;
      enterFile(copy);
      mapping.iMmapLock.releaseExclusive();
    }
    if (!vma.has(VM_WIPEONFORK)) yield* copyPageRange(copy, vma);
  }
  const { notifiers } = parent;
  notifiers.archInvalidateSecondaryTlbs(0, ULONG_MAX);
  parent.mmapLock.releaseExclusive();
  return child;
}

/** copy_page_range (mm/memory.c). */
function* copyPageRange(to: Vma, from: Vma): Task {
  const { notifiers } = from.mm;
  if (from.file?.vmOps.copyRange !== undefined) {
    yield* from.file.vmOps.copyRange(to, from);
    return;
  }
  // vma_needs_copy: what has no anonymous pages can be faulted in again.
  if (!to.has(VM_COPY_ON_FORK) && from.anonVma === null) return;
  const range = from.isCow ? notifiers.invalidateRangeStart('PROTECTION_PAGE', from.start, from.end) : null;
  if (range !== null && range.holds > 0) yield range;
  yield* copyEntries(to, from);
  if (range !== null) notifiers.invalidateRangeEnd(range);
}

function* copyEntries(to: Vma, from: Vma): Task {
  const { pageTable } = from.mm;
  const end = pageOf(from.end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(from.start), end)) {
    yield* settledEntry(from.mm, page);
    if (pageTable.huge(page) !== PTE_NONE && !copyHuge(to, from, page)) yield* splitHugePmd(from, page * PAGE_SIZE);
    const pages: number[] = [];
    pageTable.forEach(page, stop, (at) => pages.push(at));
    for (const at of pages) yield* copyEntry(to, from, at, yield* settledEntry(from.mm, at));
  }
}

/** copy_huge_pmd. False: the folio is pinned, so its pages have to be copied one by one. */
function copyHuge(to: Vma, from: Vma, page: number): boolean {
  const { system, pageTable } = from.mm;
  const { frames } = system.memory;
  const entry = pageTable.huge(page);
  if (!ptePresent(entry)) return true;
  const folio = pteFrame(entry);
  const shared = entry & ~(PTE_WRITE | PTE_ACCESSED);
  if (system.isZero(folio)) {
    to.mm.pageTable.setHuge(page, shared);
    return true;
  }
  // A file's can be faulted in again.
  if (!frames.has(folio, PG_ANON)) return true;
  if (frames.has(folio, PG_ANON_EXCLUSIVE) && frames.maybeDmaPinned(folio)) return false;
  frames.clear(folio, PG_ANON_EXCLUSIVE);
  frames.get(folio);
  frames.mapHuge(folio, to.mm.id);
  pageTable.setHuge(page, entry & ~PTE_WRITE);
  to.mm.pageTable.setHuge(page, shared & ~PTE_UFFD_WP);
  return true;
}

/** copy_present_ptes, copy_nonpresent_pte. */
function* copyEntry(to: Vma, from: Vma, page: number, pte: number): Task {
  const { system, pageTable } = from.mm;
  const { frames } = system.memory;
  if (!ptePresent(pte)) {
    const type = swapType(pte);
    // Nobody has a page to itself that two processes share.
    if (type === SWP_DEVICE_EXCLUSIVE) yield* copyEntry(to, from, page, restoreExclusiveEntry(from, page, pte));
    else if (type === SWP_GUARD || type === SWP_HWPOISON) to.mm.pageTable.set(page, pte);
    else duplicateSwapEntry(to, from, page, pte);
    return;
  }
  const frame = pteFrame(pte);
  let copy = pte & ~(PTE_ACCESSED | PTE_UFFD_WP);
  if (system.isZero(frame)) {
    to.mm.pageTable.set(page, copy);
    return;
  }
  const folio = frames.folioOf(frame);
  if (frames.has(folio, PG_ANON) && frames.has(frame, PG_ANON_EXCLUSIVE)) {
    if (frames.maybeDmaPinned(folio)) {
      yield* copyPresentPage(to, frame, page);
      return;
    }
    frames.clear(frame, PG_ANON_EXCLUSIVE);
  }
  if (from.isCow && (pte & PTE_WRITE) !== 0) {
    pageTable.set(page, pte & ~PTE_WRITE);
    copy &= ~PTE_WRITE;
  }
  if (from.has(VM_SHARED)) copy &= ~PTE_DIRTY;
  frames.get(folio);
  frames.map(frame, to.mm.id);
  to.mm.pageTable.set(page, copy);
}

/** copy_present_page: the child gets a copy at once, and the parent keeps what its device has pinned. */
function* copyPresentPage(to: Vma, frame: number, page: number): Task {
  const { memory } = to.mm.system;
  const address = page * PAGE_SIZE;
  const copy = yield* newAnonPage(to, address);
  if (copy < 0) throw new SimulationError('fork: out of memory');
  memory.contents.copy(memory.contents, frame, copy);
  mapFrame(to, address, copy, PTE_DIRTY | (to.has(VM_WRITE) ? PTE_WRITE : 0));
}
