import { Errno, PTRS_PER_PTE, PAGE_SIZE, hex, isPageAligned, pageAlignUp, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { splitHugePmd } from './huge-pmd.js';
import { hugetlbChangeProtection } from './hugetlb-entries.js';
import type { MmStruct } from './mm-struct.js';
import { MmuGather } from './mmu-gather.js';
import { PG_ANON, PG_ANON_EXCLUSIVE } from './page-flags.js';
import { populateRange } from './populate.js';
import {
  PTE_DIRTY,
  PTE_NONE,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_GUARD,
  SWP_HWPOISON,
  SWP_MARKER,
  makeSwapEntry,
  pteFrame,
  ptePresent,
  swapType,
} from './pte.js';
import { mergeUseOfBatches } from './pte-batch.js';
import { modifyFlags } from './vma-merge.js';
import { VM_ACCESS, VM_ACCOUNT, VM_HUGETLB, VM_LOCKED, VM_SHARED, VM_WRITE, type Vma } from './vma.js';

/**
 * mprotect(2): one PROTECTION_VMA per mapping whose rights change, over all of its part, where it has page tables at all. Rights
 * that grow are told like those that shrink.
 *
 * @param rights VM_READ, VM_WRITE, VM_EXEC or 0
 * @throws Errno EINVAL for an unaligned address; ENOMEM if part of the range is not mapped, after what comes before it
 */
export function* mprotect(mm: MmStruct, address: number, length: number, rights: number): Task {
  if (!isPageAligned(address)) throw new Errno('EINVAL', `mprotect at ${hex(address)}`);
  const end = address + pageAlignUp(length);
  if (end === address) return;
  yield mm.mmapLock.exclusive;
  const gather = new MmuGather(mm);
  try {
    let reached = address;
    for (let vma = mm.vmas.at(address); reached < end; vma = mm.vmas.at(reached)) {
      if (vma === null) throw new Errno('ENOMEM', `mprotect: nothing is mapped at ${hex(reached)}`);
      const stop = Math.min(end, vma.end);
      yield* mprotectFixup(vma, reached, stop, rights, gather);
      reached = stop;
    }
  } finally {
    gather.finish();
    mm.mmapLock.releaseExclusive();
  }
}

/** mprotect_fixup. */
function* mprotectFixup(vma: Vma, start: number, end: number, rights: number, gather: MmuGather): Task {
  const old = vma.flags;
  let flags = (old & ~VM_ACCESS) | rights;
  if (flags === old) return;
  if ((flags & VM_WRITE) !== 0) {
    if ((old & (VM_ACCOUNT | VM_WRITE | VM_HUGETLB | VM_SHARED)) === 0) flags |= VM_ACCOUNT;
  } else if ((old & VM_ACCOUNT) !== 0 && vma.file === null && vma.anonVma === null) {
    flags &= ~VM_ACCOUNT;
  }
  const part = yield* modifyFlags(vma, start, end, flags);
  yield* changeProtection(part, start, end, gather);
  if ((old & (VM_WRITE | VM_SHARED | VM_LOCKED)) === VM_LOCKED && (flags & VM_WRITE) !== 0) {
    yield* populateRange(vma.mm, start, end, true, false);
  }
}

/** MM_CP_*: entries get the rights of their mapping, and a userfaultfd protects them, or protects them no longer. */
export type ProtectionChange = 'rights' | 'uffd_wp' | 'uffd_wp_resolve';

/**
 * change_protection: entries get the rights of their mapping. A page that a write would have to be told of, or would
 * replace, stays read-only. Where a userfaultfd protects a file's pages, markers protect those that are not mapped, too.
 */
export function* changeProtection(
  vma: Vma,
  start: number,
  end: number,
  gather: MmuGather,
  change: ProtectionChange = 'rights',
): Task {
  if (vma.has(VM_HUGETLB)) {
    yield* hugetlbChangeProtection(vma, start, end);
    return;
  }
  const { notifiers, pageTable } = vma.mm;
  // userfaultfd_wp_use_markers
  const markers = change === 'uffd_wp' && vma.file !== null;
  if (!markers && !pageTable.hasDirectoryIn(pageOf(start), pageOf(end))) return;
  const range = notifiers.invalidateRangeStart('PROTECTION_VMA', start, end);
  if (range.holds > 0) yield range;
  const to = pageOf(end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(start), to)) {
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE && (markers || stop - page < PTRS_PER_PTE)) yield* splitHugePmd(vma, page * PAGE_SIZE);
    if (pageTable.huge(page) !== PTE_NONE) {
      if (ptePresent(huge)) {
        pageTable.setHuge(page, changed(vma, huge, change));
        gather.removeEntries(page, stop);
      }
    } else {
      mergeUseOfBatches(vma, page, stop);
      pageTable.forEach(page, stop, (at, pte) => {
        if (ptePresent(pte)) gather.removeEntries(at, at + 1);
        pageTable.set(at, ptePresent(pte) ? changed(vma, pte, change) : changedSwapEntry(pte, change));
      });
    }
  }
  if (markers) installMarkers(vma.mm, pageOf(start), to);
  notifiers.invalidateRangeEnd(range);
}

/** pte_modify, and the write upgrade that MM_CP_TRY_CHANGE_WRITABLE allows. */
function changed(vma: Vma, old: number, change: ProtectionChange): number {
  const { frames } = vma.mm.system.memory;
  const entry = withUffdWp(old, change);
  const plain = entry & ~PTE_WRITE;
  if (!vma.has(VM_WRITE)) return plain;
  if (vma.has(VM_SHARED) && !vma.wantsWritenotify) return plain | PTE_WRITE;
  // vma_wants_manual_pte_write_upgrade: elsewhere Linux takes vm_page_prot, which is read-only, for no wish to be notified.
  if (vma.has(VM_SHARED) && !vma.fileWantsWritenotify) return plain;
  // can_change_pte_writable
  if (vma.tracksSoftDirty && (entry & PTE_SOFT_DIRTY) === 0) return plain;
  if ((entry & PTE_UFFD_WP) !== 0) return plain;
  const frame = pteFrame(entry);
  const upgrade = vma.has(VM_SHARED)
    ? (entry & PTE_DIRTY) !== 0
    : frames.has(frames.folioOf(frame), PG_ANON) && frames.has(frame, PG_ANON_EXCLUSIVE);
  return upgrade ? plain | PTE_WRITE : plain;
}

/** Of what is not present: a marker that says nothing else goes with the protection. */
function changedSwapEntry(entry: number, change: ProtectionChange): number {
  const type = swapType(entry);
  if (type === SWP_GUARD || type === SWP_HWPOISON) return entry;
  return type === SWP_MARKER && change === 'uffd_wp_resolve' ? PTE_NONE : withUffdWp(entry, change);
}

function withUffdWp(entry: number, change: ProtectionChange): number {
  if (change === 'rights') return entry;
  return change === 'uffd_wp' ? entry | PTE_UFFD_WP : entry & ~PTE_UFFD_WP;
}

/** Page tables, and markers in their empty entries: the file may have a page that was never mapped here. */
function installMarkers(mm: MmStruct, from: number, to: number): void {
  for (let page = from; page < to; page++) {
    if (mm.pageTable.get(page) === PTE_NONE) mm.pageTable.set(page, makeSwapEntry(SWP_MARKER, 0, PTE_UFFD_WP));
  }
}
