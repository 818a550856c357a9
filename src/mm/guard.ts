import { Errno, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { anonVmaPrepare } from './anon-vma.js';
import { PTE_NONE, SWP_GUARD, SWP_MARKER, makeSwapEntry, swapType } from './pte.js';
import { VM_HUGETLB, VM_LOCKED, VM_MAYBE_GUARD, type Vma } from './vma.js';
import { zapPageRange } from './zap.js';

/**
 * madvise_guard_install: markers in place of pages, at which every access is a SIGSEGV. Where pages are mapped they are
 * removed first, over the whole part in one CLEAR; where nothing is mapped nobody is told.
 *
 * @throws Errno EINVAL for hugetlb and locked mappings
 */
export function* guardInstall(vma: Vma, start: number, end: number): Task {
  checkVma(vma, true);
  vma.flags |= VM_MAYBE_GUARD;
  if (vma.file === null) anonVmaPrepare(vma);
  while (!install(vma, pageOf(start), pageOf(end))) yield* zapPageRange(vma, start, end);
}

/** guard_install_walk_ops: false at the first page that is mapped; markers before it stay. */
function install(vma: Vma, first: number, to: number): boolean {
  const { pageTable } = vma.mm;
  for (let page = first; page < to; page++) {
    if (pageTable.huge(page) !== PTE_NONE) return false;
    const pte = pageTable.get(page);
    const type = swapType(pte);
    if (pte !== PTE_NONE && type !== SWP_GUARD && type !== SWP_MARKER) return false;
    pageTable.set(page, makeSwapEntry(SWP_GUARD, 0));
  }
  return true;
}

/** madvise_guard_remove: the markers go, and nobody is told: there was nothing to lose. @throws Errno EINVAL for hugetlb */
export function* guardRemove(vma: Vma, start: number, end: number): Task {
  checkVma(vma, false);
  const { pageTable } = vma.mm;
  const to = pageOf(end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(start), to)) {
    pageTable.forEach(page, stop, (at, pte) => {
      if (swapType(pte) === SWP_GUARD) pageTable.set(at, PTE_NONE);
    });
  }
}

/** is_valid_guard_vma. */
function checkVma(vma: Vma, installing: boolean): void {
  if (vma.has(VM_HUGETLB) || (installing && vma.has(VM_LOCKED))) {
    throw new Errno('EINVAL', `guard pages in ${vma.toString()} from ${hex(vma.start)}`);
  }
}
