import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesOf } from './folio-places.js';
import { splitHugePmdLocked } from './huge-pmd.js';
import { unmapFrame } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON } from './page-flags.js';
import { ZERO_FRAME } from './physical-memory.js';
import { PTE_SOFT_DIRTY, PTE_UFFD_WP, SWP_MIGRATION, makePte, makeSwapEntry, pteFrame } from './pte.js';
import { splitCachedFolio } from './split-cached-folio.js';
import { VM_LOCKED, type Vma } from './vma.js';

/** An entry that was taken away for a while. */
interface SavedEntry {
  readonly vma: Vma;
  readonly page: number;
  readonly pte: number;
}

/**
 * split_folio (mm/huge_memory.c): makes single pages of a large folio. Every mapping that shows any of it is told CLEAR.
 * The pages of anonymous memory are mapped again afterwards, but for those that hold only zeros: the shared zero page takes
 * their place. A file's are not.
 *
 * The caller holds the folio lock and one reference, which stay with the first page.
 *
 * @returns false if somebody else refers to the folio, a pin for one: then nobody is told anything
 */
export function* splitFolio(system: MmSystem, folio: number): Task<boolean> {
  const { memory } = system;
  const { frames } = memory;
  if (!frames.has(folio, PG_ANON)) return yield* splitCachedFolio(system, folio, null);
  // can_split_folio
  if (frames.refcount[folio] !== frames.folioMapcount(folio) + 1) return false;
  const saved = yield* unmapFolio(system, folio);
  const parts = memory.splitFolio(folio, new Array<number>(frames.pages(folio)).fill(0), 0);
  for (const entry of saved) remapPage(system, entry);
  for (const part of parts) if (part !== folio) memory.put(part);
  return true;
}

/** unmap_folio, of anonymous memory: migration entries in place of those that map it. */
function* unmapFolio(system: MmSystem, folio: number): Task<SavedEntry[]> {
  const { memory } = system;
  const saved: SavedEntry[] = [];
  for (const place of placesOf(system, folio)) {
    const { vma, start, end } = place;
    const { notifiers, pageTable } = vma.mm;
    const range = notifiers.invalidateRangeStart('CLEAR', start, end);
    if (range.holds > 0) yield range;
    forEachEntry(memory, place, folio, {
      huge: (page) => {
        splitHugePmdLocked(vma, page);
      },
      small: () => undefined,
    });
    forEachEntry(memory, place, folio, {
      huge: () => undefined,
      small: (page, pte) => {
        unmapFrame(vma, page, pte);
        memory.put(folio);
        pageTable.set(page, makeSwapEntry(SWP_MIGRATION, pteFrame(pte)));
        notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
        saved.push({ vma, page, pte });
      },
    });
    notifiers.invalidateRangeEnd(range);
    if (memory.frames.folioMapcount(folio) === 0) break;
  }
  return saved;
}

/** remove_migration_pte, and try_to_map_unused_to_zeropage. */
function remapPage(system: MmSystem, { vma, page, pte }: SavedEntry): void {
  const { frames, contents } = system.memory;
  const { pageTable, id } = vma.mm;
  const frame = pteFrame(pte);
  if (pageTable.get(page) !== makeSwapEntry(SWP_MIGRATION, frame)) return;
  if (!vma.has(VM_LOCKED) && contents.isZero(frame)) {
    pageTable.set(page, makePte(ZERO_FRAME, pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP)));
    return;
  }
  frames.get(frames.folioOf(frame));
  frames.map(frame, id);
  pageTable.set(page, pte);
}
