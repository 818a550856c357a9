import { Errno, PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { blockOf } from './map-frame.js';
import type { AdvisedPart } from './madvise.js';
import { PG_RESERVED } from './page-flags.js';
import { PTE_ACCESSED, PTE_NONE, pteFrame, ptePresent } from './pte.js';
import { shrinkFolio } from './shrink-folio.js';
import { splitFolio } from './split-folio.js';
import { VM_HUGETLB, VM_LOCKED, type Vma } from './vma.js';

/** madvise_cold: what is used next to nothing. Nobody is told, but where a large folio of which only a part is meant is split. */
export function* madviseCold({ vma, start, end, gather }: AdvisedPart): Task {
  checkVma(vma);
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  system.lruBatches.drain();
  yield* coldOrPageout(vma, start, end, (page, pages) => {
    system.lruBatches.add('deactivate', frames.folioOf(pteFrame(pageTable.get(page))));
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE) pageTable.setHuge(page, huge & ~PTE_ACCESSED);
    else for (let i = page; i < page + pages; i++) pageTable.set(i, pageTable.get(i) & ~PTE_ACCESSED);
    gather.removeEntries(page, page + pages);
  });
}

/** madvise_pageout: reclaims what is mapped here only, whatever it was used for. One CLEAR per folio. */
export function* madvisePageout({ vma, start, end }: AdvisedPart): Task {
  checkVma(vma);
  const { system, pageTable } = vma.mm;
  const { frames } = system.memory;
  system.lruBatches.drain();
  for (let from = start; from < end;) {
    const folios: number[] = [];
    const stop = Math.min(end, (blockOf(pageOf(from)) + PTRS_PER_PTE) * PAGE_SIZE);
    yield* coldOrPageout(vma, from, stop, (page) => {
      const folio = frames.folioOf(pteFrame(pageTable.get(page)));
      frames.get(folio);
      folios.push(folio);
    });
    // reclaim_pages
    for (const folio of folios) {
      yield* shrinkFolio(system, folio);
      system.memory.put(folio);
    }
    from = stop;
  }
}

/** can_madv_lru_vma. */
function checkVma(vma: Vma): void {
  if (vma.has(VM_LOCKED | VM_HUGETLB)) throw new Errno('EINVAL', `MADV_COLD or MADV_PAGEOUT of ${vma.toString()}`);
}

/**
 * madvise_cold_or_pageout_pte_range: calls `take` for each folio, or page, that lies in the range as a whole and is mapped
 * nowhere else.
 */
function* coldOrPageout(vma: Vma, start: number, end: number, take: (page: number, pages: number) => void): Task {
  const { pageTable, system } = vma.mm;
  const { memory } = system;
  const { frames } = memory;
  const to = pageOf(end);
  for (const [first, stop] of pageTable.populatedBlocks(pageOf(start), to)) {
    const huge = pageTable.huge(first);
    if (huge !== PTE_NONE) {
      const folio = pteFrame(huge);
      if (!ptePresent(huge) || system.isZero(folio) || frames.maybeMappedShared(folio)) continue;
      if (stop - first === PTRS_PER_PTE) {
        take(first, PTRS_PER_PTE);
        continue;
      }
      if (!(yield* trySplit(vma, folio))) continue;
    }
    for (let page = first; page < stop;) page += yield* takeSmall(vma, page, stop, take);
  }
}

/** What is at a page. @returns the number of pages that are dealt with, 0 if there is something else by now */
function* takeSmall(vma: Vma, page: number, stop: number, take: (page: number, pages: number) => void): Task<number> {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const pte = pageTable.get(page);
  if (!ptePresent(pte)) return 1;
  const folio = frames.folioOf(pteFrame(pte));
  // The zero page, or a device's own memory.
  if (frames.has(folio, PG_RESERVED)) return 1;
  const pages = frames.pages(folio);
  if (pages === 1) {
    if (frames.folioMapcount(folio) === 1) take(page, 1);
    return 1;
  }
  const batch = folioPteBatch(vma, page, stop);
  if (batch < pages) {
    if (frames.maybeMappedShared(folio) || system.memory.isLocked(folio)) return 1;
    return (yield* trySplit(vma, folio)) ? 0 : batch;
  }
  if (frames.folioMapcount(folio) === pages) take(page, pages);
  return pages;
}

/** folio_pte_batch: how many entries from `page` on map pages of one folio, one behind the other. */
export function folioPteBatch(vma: Vma, page: number, stop: number): number {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const frame = pteFrame(pageTable.get(page));
  const folio = frames.folioOf(frame);
  const most = Math.min(stop - page, folio + frames.pages(folio) - frame);
  let length = 1;
  while (length < most) {
    const pte = pageTable.get(page + length);
    if (!ptePresent(pte) || pteFrame(pte) !== frame + length) break;
    length++;
  }
  return length;
}

/** Locks and splits a folio, keeping it alive. False: it is in use. */
export function* trySplit(vma: Vma, folio: number): Task<boolean> {
  const { system } = vma.mm;
  const { memory } = system;
  if (!memory.tryLockFolio(folio)) return false;
  memory.frames.get(folio);
  const split = yield* splitFolio(system, folio);
  memory.unlockFolio(folio);
  memory.put(folio);
  return split;
}
