import { HPAGE_SIZE, PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesOf, type FolioPlace } from './folio-places.js';
import { splitHugePmdLocked } from './huge-pmd.js';
import { keepUffdWp, unmapFrame, unmapHuge } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_HUGETLB, PG_HWPOISON, PG_SWAPBACKED } from './page-flags.js';
import {
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  SWP_HWPOISON,
  SWP_SWAP,
  SWP_SWAP_EXCLUSIVE,
  makeSwapEntry,
  pteFrame,
} from './pte.js';
import { VM_LOCKED, type Vma } from './vma.js';

/**
 * try_to_unmap: removes every entry of a folio, handing dirty bits to the folio. One CLEAR per mapping. The caller holds
 * the folio lock and a reference.
 *
 * Anonymous pages go to the swap device; those that MADV_FREE gave up and nobody wrote to since are dropped. A mapping
 * with VM_LOCKED keeps the folio, and ends the walk.
 *
 * @param hwpoison entries of broken pages stay, as such (TTU_HWPOISON): whoever uses them is told
 * @returns true if no entry maps the folio any more
 */
export function* tryToUnmap(system: MmSystem, folio: number, ignoreMlock = true, hwpoison = false): Task<boolean> {
  const { frames } = system.memory;
  const mapping = system.mappingOf(folio);
  if (mapping !== null) yield mapping.iMmapLock.shared;
  const walk = new Unmapping(system, folio, hwpoison);
  for (const place of placesOf(system, folio)) {
    const { vma, start, end } = place;
    const { notifiers } = vma.mm;
    const range = notifiers.invalidateRangeStart('CLEAR', start, end);
    if (range.holds > 0) yield range;
    if (ignoreMlock || !vma.has(VM_LOCKED)) walk.unmap(place);
    else walk.aborted = true;
    notifiers.invalidateRangeEnd(range);
    // The walk ends with the last entry: mappings behind it hear nothing.
    if (walk.aborted || frames.folioMapcount(folio) === 0) break;
  }
  if (mapping !== null) mapping.iMmapLock.releaseShared();
  return frames.folioMapcount(folio) === 0;
}

/** The state of one walk. */
class Unmapping {
  aborted = false;
  /** Slots of the folio's pages that have gone to the swap device so far. */
  private readonly slots = new Map<number, number>();

  constructor(
    private readonly system: MmSystem,
    private readonly folio: number,
    private readonly hwpoison: boolean,
  ) {}

  /** try_to_unmap_one. */
  unmap(place: FolioPlace): void {
    const { memory } = this.system;
    const { vma } = place;
    forEachEntry(memory, place, this.folio, {
      small: () => undefined,
      huge: (page, entry) => {
        if (memory.frames.has(this.folio, PG_HUGETLB)) this.unmapHugetlb(vma, page, entry);
        else splitHugePmdLocked(vma, page);
      },
    });
    if (memory.frames.folioMapcount(this.folio) === 0) return;
    forEachEntry(memory, place, this.folio, {
      huge: () => undefined,
      small: (page, pte) => {
        if (!this.aborted) this.unmapSmall(place, page, pte);
      },
    });
  }

  private unmapSmall({ vma }: FolioPlace, page: number, pte: number): void {
    const { system, folio } = this;
    const { memory } = system;
    const { frames } = memory;
    const broken = this.hwpoison && frames.has(pteFrame(pte), PG_HWPOISON);
    const anon = frames.has(folio, PG_ANON);
    if (anon && !broken && !this.mayGo(pte)) {
      this.aborted = true;
      return;
    }
    unmapFrame(vma, page, pte);
    keepUffdWp(vma, page, pte);
    vma.mm.notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    if (broken) {
      if ((pte & PTE_DIRTY) !== 0) system.markDirty(folio);
      vma.mm.pageTable.set(page, makeSwapEntry(SWP_HWPOISON, pteFrame(pte)));
    } else if (anon && frames.has(folio, PG_SWAPBACKED)) this.leaveSwapEntry(vma.mm.pageTable, page, pte);
    else if ((pte & PTE_DIRTY) !== 0) system.markDirty(folio);
    memory.put(folio);
  }

  /** One entry for all of it, and all of it is broken if a page is. Only memory failures come here. */
  private unmapHugetlb(vma: Vma, page: number, entry: number): void {
    const { system, folio } = this;
    unmapHuge(vma, page, entry);
    vma.mm.notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, page * PAGE_SIZE + HPAGE_SIZE);
    if ((entry & PTE_DIRTY) !== 0) system.markDirty(folio);
    vma.mm.pageTable.setHuge(page, makeSwapEntry(SWP_HWPOISON, folio));
    system.memory.put(folio);
  }

  /** Of what MADV_FREE gave up only clean pages may go; what was written since is wanted again. */
  private mayGo(pte: number): boolean {
    const { frames } = this.system.memory;
    if (frames.has(this.folio, PG_SWAPBACKED)) return true;
    if ((pte & PTE_DIRTY) === 0 && !frames.has(this.folio, PG_DIRTY)) return true;
    frames.set(this.folio, PG_SWAPBACKED);
    return false;
  }

  private leaveSwapEntry(pageTable: { set(page: number, pte: number): void }, page: number, pte: number): void {
    const { memory, swap } = this.system;
    const frame = pteFrame(pte);
    let slot = this.slots.get(frame);
    if (slot === undefined) {
      slot = swap.write(memory.contents, frame);
      this.slots.set(frame, slot);
    } else {
      swap.duplicate(slot);
    }
    const exclusive = memory.frames.testAndClear(frame, PG_ANON_EXCLUSIVE);
    const type = exclusive ? SWP_SWAP_EXCLUSIVE : SWP_SWAP;
    pageTable.set(page, makeSwapEntry(type, slot, pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)));
  }
}
