import { HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesOf, type FolioPlace } from './folio-places.js';
import { splitHugePmdLocked } from './huge-pmd.js';
import type { FrameTable } from './frames.js';
import { keepUffdWp, unmapFrame, unmapHuge } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY, PG_HUGETLB, PG_HWPOISON, PG_SWAPBACKED } from './page-flags.js';
import { mergedUse } from './pte-batch.js';
import {
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_HWPOISON,
  SWP_SWAP,
  SWP_SWAP_EXCLUSIVE,
  makeSwapEntry,
  pteFrame,
} from './pte.js';
import { VM_LOCKED, VM_UFFD_WP, type Vma } from './vma.js';

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
  walk.finish();
  if (mapping !== null) mapping.iMmapLock.releaseShared();
  return frames.folioMapcount(folio) === 0;
}

/** A small entry of the folio, as the walk found it. */
interface SmallEntry {
  readonly page: number;
  readonly pte: number;
}

/** The state of one walk. */
class Unmapping {
  aborted = false;
  /** Where the folio is on the swap device; -1 if none of it has gone there. */
  private firstSlot = -1;

  constructor(
    private readonly system: MmSystem,
    private readonly folio: number,
    private readonly hwpoison: boolean,
  ) {}

  /** try_to_unmap_one. */
  unmap(place: FolioPlace): void {
    const { memory } = this.system;
    const { frames } = memory;
    const { vma } = place;
    const lazyfree = isLazyfree(frames, this.folio);
    forEachEntry(memory, place, this.folio, {
      small: () => undefined,
      huge: (page, entry) => {
        if (frames.has(this.folio, PG_HUGETLB)) this.unmapHugetlb(vma, page, entry);
        else if (lazyfree) this.discardHuge(vma, page, entry);
        else splitHugePmdLocked(vma, page);
      },
    });
    if (this.aborted || frames.folioMapcount(this.folio) === 0) return;
    const entries: SmallEntry[] = [];
    forEachEntry(memory, place, this.folio, {
      huge: () => undefined,
      small: (page, pte) => entries.push({ page, pte }),
    });
    if (!lazyfree || this.hwpoison) {
      for (const { page, pte } of entries) this.unmapSmall(vma, page, pte);
      return;
    }
    this.aborted = !batchesOf(vma, entries).every((batch) => this.discard(vma, batch));
  }

  finish(): void {
    const { memory, swap } = this.system;
    if (this.firstSlot >= 0) swap.releaseUnused(this.firstSlot, memory.frames.pages(this.folio));
  }

  private unmapSmall(vma: Vma, page: number, pte: number): void {
    const { system, folio } = this;
    const { memory } = system;
    const { frames } = memory;
    const broken = this.hwpoison && frames.has(pteFrame(pte), PG_HWPOISON);
    const anon = frames.has(folio, PG_ANON);
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

  /** Entries that are alike go together. @returns false if one of them may not: then all are as dirty as any */
  private discard(vma: Vma, batch: readonly SmallEntry[]): boolean {
    const { memory } = this.system;
    const { pageTable, notifiers } = vma.mm;
    const merged = mergedUse(batch.map(({ pte }) => pte));
    notifiers.archInvalidateSecondaryTlbs(batch[0].page * PAGE_SIZE, (batch[batch.length - 1].page + 1) * PAGE_SIZE);
    if (!this.mayGo(merged)) {
      for (const { page, pte } of batch) pageTable.set(page, pte | merged);
      return false;
    }
    for (const { page, pte } of batch) {
      unmapFrame(vma, page, pte);
      memory.put(this.folio);
    }
    return true;
  }

  /** __discard_anon_folio_pmd_locked: what may not go keeps its huge entry. */
  private discardHuge(vma: Vma, page: number, entry: number): void {
    if (!this.mayGo(entry)) {
      this.aborted = true;
      return;
    }
    unmapHuge(vma, page, entry);
    vma.mm.notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, page * PAGE_SIZE + HPAGE_SIZE);
    this.system.memory.put(this.folio);
  }

  /**
   * Of what MADV_FREE gave up only clean pages may go, and none that somebody refers to; what was written since is wanted
   * again.
   */
  private mayGo(entry: number): boolean {
    const { folio } = this;
    const { frames } = this.system.memory;
    if ((entry & PTE_DIRTY) !== 0) frames.set(folio, PG_DIRTY);
    if (!frames.has(folio, PG_DIRTY)) return frames.refcount[folio] === 1 + frames.folioMapcount(folio);
    frames.set(folio, PG_SWAPBACKED);
    return false;
  }

  private leaveSwapEntry(pageTable: { set(page: number, pte: number): void }, page: number, pte: number): void {
    const { memory, swap } = this.system;
    const frame = pteFrame(pte);
    if (this.firstSlot < 0) this.firstSlot = swap.allocate(memory.frames.pages(this.folio));
    const slot = this.firstSlot + frame - this.folio;
    swap.refer(slot, memory.contents, frame);
    const exclusive = memory.frames.testAndClear(frame, PG_ANON_EXCLUSIVE);
    const type = exclusive ? SWP_SWAP_EXCLUSIVE : SWP_SWAP;
    pageTable.set(page, makeSwapEntry(type, slot, pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)));
  }
}

/** folio_test_lazyfree: MADV_FREE gave it up. */
function isLazyfree(frames: FrameTable, folio: number): boolean {
  return frames.has(folio, PG_ANON) && !frames.has(folio, PG_SWAPBACKED);
}

/** folio_unmap_pte_batch: neighbours within a page table that say the same of writing; one by one where a userfaultfd protects. */
function batchesOf(vma: Vma, entries: readonly SmallEntry[]): SmallEntry[][] {
  const batches: SmallEntry[][] = [];
  for (const entry of entries) {
    const last = batches.at(-1)?.at(-1);
    if (last !== undefined && !vma.has(VM_UFFD_WP) && follows(last, entry)) batches[batches.length - 1].push(entry);
    else batches.push([entry]);
  }
  return batches;
}

function follows(last: SmallEntry, next: SmallEntry): boolean {
  const differ = (last.pte ^ next.pte) & (PTE_WRITE | PTE_SOFT_DIRTY);
  return next.page === last.page + 1 && next.page % PTRS_PER_PTE !== 0 && differ === 0;
}
