import { Errno, HPAGE_SIZE, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { anonVmaClone, enterAnonVmas, leaveAnonVmas, unlinkAnonVmas } from './anon-vma.js';
import { splitHugePmd } from './huge-pmd.js';
import type { MmStruct } from './mm-struct.js';
import { VM_HUGETLB, Vma } from './vma.js';

/** vma_link: enters a mapping among those of its mm and of its file. The caller holds mmap_lock exclusively. */
export function* linkVma(vma: Vma): Task {
  vma.mm.vmas.insert(vma);
  const mapping = vma.file?.mapping;
  if (mapping === undefined) return;
  yield mapping.iMmapLock.exclusive;
  enterFile(vma);
  mapping.iMmapLock.releaseExclusive();
}

/** unlink_file_vma, unlink_anon_vmas: from here on no reverse map walk finds the mapping. */
export function* unlinkVma(vma: Vma): Task {
  unlinkAnonVmas(vma);
  const mapping = vma.file?.mapping;
  if (mapping === undefined) return;
  yield mapping.iMmapLock.exclusive;
  leaveFile(vma);
  mapping.iMmapLock.releaseExclusive();
}

/**
 * __split_vma (mm/vma.c): makes `address` a border between two mappings, if it lies inside one. The caller holds mmap_lock
 * exclusively.
 *
 * i_mmap_rwsem is held throughout: whoever walks the mappings of a file meets the one or the two, never a part of it.
 *
 * @throws Errno EINVAL inside a huge page of hugetlb
 */
export function* splitVmaAt(mm: MmStruct, address: number): Task {
  const lower = mm.vmas.at(address);
  if (lower === null || lower.start === address) return;
  if (lower.has(VM_HUGETLB) && address % HPAGE_SIZE !== 0) {
    throw new Errno('EINVAL', `${lower.toString()} cannot be split at ${hex(address)}`);
  }
  const mapping = lower.file?.mapping;
  if (mapping !== undefined) yield mapping.iMmapLock.exclusive;
  yield* splitHugePmdIfNeeded(lower, address);
  const upper = new Vma(mm, address, lower.end, lower.flags, lower.pageIndex(address), lower.file);
  upper.anonVma = lower.anonVma;
  upper.policyNode = lower.policyNode;
  upper.userfaultfd = lower.userfaultfd;
  leaveFile(lower);
  leaveAnonVmas(lower);
  lower.end = address;
  enterAnonVmas(lower);
  anonVmaClone(upper, lower);
  mm.vmas.changed();
  mm.vmas.insert(upper);
  enterFile(lower);
  enterFile(upper);
  mapping?.iMmapLock.releaseExclusive();
}

/**
 * split_huge_pmd_if_needed (mm/huge_memory.c): a huge page that straddles the new border would have to be split, and
 * drivers are told so. Linux does not look whether there is one: a page table that could hold it is enough.
 */
function* splitHugePmdIfNeeded(vma: Vma, address: number): Task {
  const { pageTable } = vma.mm;
  const start = address - (address % HPAGE_SIZE);
  const end = start + HPAGE_SIZE;
  if (address === start || start < vma.start || end > vma.end || !pageTable.hasDirectory(pageOf(address))) return;
  yield* splitHugePmd(vma, address);
}

/** vma_interval_tree_insert. The caller holds i_mmap_rwsem exclusively. */
export function enterFile(vma: Vma): void {
  if (vma.file === null) return;
  vma.iMmapNode = vma.file.mapping.iMmap.insert(vma.pgoff, vma.pageIndex(vma.end) - 1, vma);
}

/** vma_interval_tree_remove. */
export function leaveFile(vma: Vma): void {
  if (vma.file === null || vma.iMmapNode === null) return;
  vma.file.mapping.iMmap.remove(vma.iMmapNode);
  vma.iMmapNode = null;
}
