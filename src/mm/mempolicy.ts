import { Errno, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { migratePages } from './migrate.js';
import type { MmStruct } from './mm-struct.js';
import { PTE_NONE, pteFrame, ptePresent } from './pte.js';
import { replacePolicy } from './shared-policy.js';
import type { Vma } from './vma.js';
import { modify } from './vma-merge.js';

/**
 * mbind(2) with MPOL_MF_MOVE: pages of the range come from a node from now on, and those that are elsewhere move there, if
 * only one mm maps them.
 *
 * @param node null for MPOL_DEFAULT: nothing moves
 * @throws Errno EFAULT if part of the range is not mapped; EINVAL for a part of a huge page of hugetlb
 */
export function* mbind(mm: MmStruct, address: number, length: number, node: number | null): Task {
  const { system } = mm;
  const end = address + length;
  system.lruBatches.drain();
  yield mm.mmapLock.exclusive;
  const folios = new Set<number>();
  try {
    const vmas = mm.vmas.overlapping(address, end);
    const covered = vmas.reduce((sum, vma) => sum + Math.min(end, vma.end) - Math.max(address, vma.start), 0);
    if (node !== null && covered < length) throw new Errno('EFAULT', `mbind at ${hex(address)}: holes`);
    if (vmas.length === 0) throw new Errno('EFAULT', `mbind at ${hex(address)}: nothing is mapped there`);
    if (node !== null) {
      for (const vma of vmas) {
        queuePagesRange(vma, Math.max(address, vma.start), Math.min(end, vma.end), node, folios);
      }
    }
    yield* mbindRange(mm, address, end, node);
  } catch (error) {
    for (const folio of folios) system.memory.put(folio);
    throw error;
  } finally {
    mm.mmapLock.releaseExclusive();
  }
  // The new borders may have taken folios out of the page table that were queued.
  if (node !== null) yield* migratePages(system, [...folios], node);
}

/** queue_pages_range, of a mapping: folios of the range that are on another node, with a reference each. */
function queuePagesRange(vma: Vma, start: number, end: number, node: number, folios: Set<number>): void {
  if (!vma.isMigratable) return;
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const add = (pte: number): void => {
    if (!ptePresent(pte) || system.isZero(pteFrame(pte))) return;
    const folio = frames.folioOf(pteFrame(pte));
    if (system.memory.nodeOf(folio) === node || frames.maybeMappedShared(folio) || folios.has(folio)) return;
    frames.get(folio);
    folios.add(folio);
  };
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(start), pageOf(end))) {
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE) add(huge);
    else
      pageTable.forEach(page, stop, (_, pte) => {
        add(pte);
      });
  }
}

/** mbind_range, of every mapping in [start, end). */
function* mbindRange(mm: MmStruct, start: number, end: number, node: number | null): Task {
  for (let at = start; at < end;) {
    const vma = mm.vmas.at(at) ?? mm.vmas.after(at);
    if (vma === null || vma.start >= end) break;
    const from = Math.max(at, vma.start);
    const stop = Math.min(end, vma.end);
    if (vma.policyNode !== node) {
      const part = yield* modify(vma, from, stop, (changed) => {
        changed.policyNode = node;
      });
      replacePolicy(part, node);
    }
    at = stop;
  }
}
