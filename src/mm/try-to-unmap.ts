import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesOf, type FolioPlace } from './folio-places.js';
import { splitHugePmdLocked } from './huge-pmd.js';
import { keepUffdWp, unmapFrame } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_SWAPBACKED } from './page-flags.js';
import {
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  SWP_SWAP,
  SWP_SWAP_EXCLUSIVE,
  makeSwapEntry,
  pteFrame,
} from './pte.js';
import { VM_LOCKED } from './vma.js';

/**
 * try_to_unmap: removes every entry of a folio, handing dirty bits to the folio. One CLEAR per mapping. The caller holds
 * the folio lock and a reference.
 *
 * Anonymous pages go to the swap device; those that MADV_FREE gave up and nobody wrote to since are dropped. A mapping
 * with VM_LOCKED keeps the folio, and ends the walk.
 *
 * @returns true if no entry maps the folio any more
 */
export function* tryToUnmap(system: MmSystem, folio: number, ignoreMlock = true): Task<boolean> {
  const { frames } = system.memory;
  const mapping = system.mappingOf(folio);
  if (mapping !== null) yield mapping.iMmapLock.shared;
  const walk = new Unmapping(system, folio);
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
  ) {}

  /** try_to_unmap_one. */
  unmap(place: FolioPlace): void {
    const { memory } = this.system;
    const { vma } = place;
    forEachEntry(memory, place, this.folio, {
      small: () => undefined,
      huge: (page) => {
        splitHugePmdLocked(vma, page);
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
    const anon = frames.has(folio, PG_ANON);
    if (anon && !this.mayGo(pte)) {
      this.aborted = true;
      return;
    }
    unmapFrame(vma, page, pte);
    keepUffdWp(vma, page, pte);
    vma.mm.notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    if (anon && frames.has(folio, PG_SWAPBACKED)) this.leaveSwapEntry(vma.mm.pageTable, page, pte);
    else if ((pte & PTE_DIRTY) !== 0) system.markDirty(folio);
    memory.put(folio);
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
