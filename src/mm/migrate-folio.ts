import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesOf } from './folio-places.js';
import { unmapFrame, unmapHuge } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { ORDER_MASK, PG_ANON, PG_ANON_EXCLUSIVE, PG_TAIL, PG_ALLOCATED } from './page-flags.js';
import { FRAME_SHIFT, SWP_MIGRATION, makeSwapEntry, pteFrame } from './pte.js';
import type { Vma } from './vma.js';

/** An entry that a migration entry stands for. */
interface SavedEntry {
  readonly vma: Vma;
  readonly page: number;
  readonly entry: number;
  readonly huge: boolean;
}

/** A folio that is being migrated: locked, and unmapped as far as that went. */
export class FolioMigration {
  private readonly saved: SavedEntry[] = [];

  /** The caller has the folio's lock and a reference. */
  constructor(
    private readonly system: MmSystem,
    readonly folio: number,
  ) {}

  /**
   * try_to_migrate: migration entries in place of those that map the folio. One CLEAR per mapping. The walk ends at a page
   * that is exclusive and pinned: what a device may write to cannot be moved.
   *
   * @returns true if no entry maps the folio any more
   */
  *unmap(): Task<boolean> {
    const { system, folio } = this;
    const { frames } = system.memory;
    for (const place of placesOf(system, folio)) {
      const { notifiers } = place.vma.mm;
      const range = notifiers.invalidateRangeStart('CLEAR', place.start, place.end);
      if (range.holds > 0) yield range;
      let stopped = false;
      forEachEntry(system.memory, place, folio, {
        small: (page, entry) => {
          stopped ||= this.isHeld(pteFrame(entry));
          if (!stopped) this.take(place.vma, page, entry, false);
        },
        huge: (page, entry) => {
          stopped ||= this.isHeld(folio);
          if (!stopped) this.take(place.vma, page, entry, true);
        },
      });
      notifiers.invalidateRangeEnd(range);
      if (stopped || frames.folioMapcount(folio) === 0) break;
    }
    return frames.folioMapcount(folio) === 0;
  }

  /** folio_migrate_mapping, folio_migrate_copy: the new folio takes the old one's place. False: somebody refers to the old one. */
  moveTo(target: number): boolean {
    const { system, folio } = this;
    const { memory } = system;
    const { frames } = memory;
    const mapping = system.mappingOf(folio);
    const pages = frames.pages(folio);
    if (frames.refcount[folio] !== 1 + (mapping === null ? 0 : pages)) return false;
    const perFolio = ~(ORDER_MASK | PG_ANON_EXCLUSIVE | PG_TAIL | PG_ALLOCATED);
    frames.set(target, frames.flags[folio] & perFolio);
    frames.owner[target] = frames.owner[folio];
    frames.index[target] = frames.index[folio];
    for (let i = 0; i < pages; i++) {
      memory.contents.copy(memory.contents, folio + i, target + i);
      if (frames.has(folio + i, PG_ANON_EXCLUSIVE)) frames.set(target + i, PG_ANON_EXCLUSIVE);
      if (mapping !== null) mapping.pages.set(frames.index[folio] + i, target + i);
    }
    if (mapping !== null) {
      frames.get(target, pages);
      mapping.ops.migrateFolio?.(folio, target);
      memory.put(folio, pages);
    }
    return true;
  }

  /** remove_migration_ptes: the entries come back, for the folio that has the pages now. */
  restore(now: number): void {
    const { system, folio } = this;
    const { frames } = system.memory;
    for (const { vma, page, entry, huge } of this.saved.splice(0)) {
      const { pageTable, id } = vma.mm;
      const frame = pteFrame(entry) - folio + now;
      const marker = makeSwapEntry(SWP_MIGRATION, pteFrame(entry));
      if ((huge ? pageTable.huge(page) : pageTable.get(page)) !== marker) continue;
      const moved = (entry + ((frame - pteFrame(entry)) << FRAME_SHIFT)) | 0;
      frames.get(now);
      if (huge) {
        frames.mapHuge(now, id);
        pageTable.setHuge(page, moved);
      } else {
        frames.map(frame, id);
        pageTable.set(page, moved);
      }
    }
  }

  /** folio_try_share_anon_rmap fails. */
  private isHeld(frame: number): boolean {
    const { frames } = this.system.memory;
    return frames.has(this.folio, PG_ANON) && frames.has(frame, PG_ANON_EXCLUSIVE) && frames.maybeDmaPinned(this.folio);
  }

  private take(vma: Vma, page: number, entry: number, huge: boolean): void {
    const { pageTable, notifiers } = vma.mm;
    const marker = makeSwapEntry(SWP_MIGRATION, pteFrame(entry));
    if (huge) {
      unmapHuge(vma, page, entry);
      pageTable.setHuge(page, marker);
    } else {
      unmapFrame(vma, page, entry);
      pageTable.set(page, marker);
    }
    notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    this.system.memory.put(this.folio);
    this.saved.push({ vma, page, entry, huge });
  }
}
