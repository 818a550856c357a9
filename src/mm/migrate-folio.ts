import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { forEachEntry, placesOf, type FolioPlace } from './folio-places.js';
import { splitHugePmdLocked } from './huge-pmd.js';
import { unmapFrame, unmapHuge } from './map-frame.js';
import type { MmStruct } from './mm-struct.js';
import type { MmSystem } from './mm-system.js';
import {
  ORDER_MASK,
  PG_ALLOCATED,
  PG_ANON,
  PG_ANON_EXCLUSIVE,
  PG_HUGETLB,
  PG_HWPOISON,
  PG_TAIL,
} from './page-flags.js';
import { ZERO_FRAME } from './physical-memory.js';
import {
  FRAME_SHIFT,
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_MIGRATION,
  makePte,
  makeSwapEntry,
  pteFrame,
  swapType,
} from './pte.js';
import { VM_LOCKED, VM_WRITE, type Vma } from './vma.js';

/** Bits that a migration entry carries itself, so that who resets them meanwhile need not know of the migration. */
const CARRIED = PTE_SOFT_DIRTY | PTE_UFFD_WP;

/** An entry that a migration entry stands for. */
interface SavedEntry {
  readonly mm: MmStruct;
  readonly page: number;
  readonly entry: number;
  readonly huge: boolean;
}

/**
 * migration_entry_wait: the entry of a page, huge or small, once nobody migrates it. Whoever copies or moves entries has to
 * ask so: a migration entry is its own mm's, at its own address, and comes back nowhere else.
 */
export function* settledEntry(mm: MmStruct, page: number): Task<number> {
  let entry = mm.pageTable.get(page);
  while (swapType(entry) === SWP_MIGRATION) {
    yield mm.system.migrationEnded;
    entry = mm.pageTable.get(page);
  }
  return entry;
}

/** A folio that is being migrated, or split: locked, and unmapped as far as that went. */
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
   * @param splitHuge small entries in place of huge ones first (TTU_SPLIT_HUGE_PMD)
   * @returns true if no entry maps the folio any more
   */
  *unmap(splitHuge = false): Task<boolean> {
    const { system, folio } = this;
    const { frames } = system.memory;
    const mapping = system.mappingOf(folio);
    if (mapping !== null) yield mapping.iMmapLock.shared;
    for (const place of placesOf(system, folio)) {
      const { notifiers } = place.vma.mm;
      const range = notifiers.invalidateRangeStart('CLEAR', place.start, place.end);
      if (range.holds > 0) yield range;
      if (splitHuge) this.splitHuge(place);
      const whole = this.takeAll(place);
      notifiers.invalidateRangeEnd(range);
      if (!whole || frames.folioMapcount(folio) === 0) break;
    }
    if (mapping !== null) mapping.iMmapLock.releaseShared();
    return frames.folioMapcount(folio) === 0;
  }

  /** folio_migrate_mapping, folio_migrate_copy: the new folio takes the old one's place. False: somebody refers to the old one. */
  moveTo(target: number): boolean {
    const { system, folio } = this;
    const { memory } = system;
    const { frames } = memory;
    const mapping = system.mappingOf(folio);
    const pages = frames.pages(folio);
    const cached = mapping === null ? system.swap.countCached(folio, pages) : pages;
    if (frames.refcount[folio] !== 1 + cached) return false;
    const perFolio = ~(ORDER_MASK | PG_ANON_EXCLUSIVE | PG_TAIL | PG_ALLOCATED);
    frames.set(target, frames.flags[folio] & perFolio);
    frames.owner[target] = frames.owner[folio];
    frames.index[target] = frames.index[folio];
    // folio_migrate_ksm
    const stable = system.stableNodeOf(folio);
    if (stable !== null) stable.folio = target;
    // Entries that went one by one have made the old folio wait to be split, and that is passed on.
    if (frames.isPartiallyMapped(folio)) frames.setPartiallyMapped(target);
    for (let i = 0; i < pages; i++) {
      memory.contents.copy(memory.contents, folio + i, target + i);
      if (frames.has(folio + i, PG_ANON_EXCLUSIVE)) frames.set(target + i, PG_ANON_EXCLUSIVE);
      if (mapping !== null) mapping.pages.set(frames.index[folio] + i, target + i);
      else system.swap.replaceCached(folio + i, target + i);
    }
    if (cached > 0) {
      frames.get(target, cached);
      mapping?.ops.migrateFolio?.(folio, target);
      memory.put(folio, cached);
    }
    return true;
  }

  /**
   * remove_migration_ptes: the entries come back, for the folio that has the pages now, or the folios.
   * @param unusedToZero the zero page takes the place of pages that hold only zeros (try_to_map_unused_to_zeropage)
   */
  restore(now: number, unusedToZero = false): void {
    const { system, folio } = this;
    for (const saved of this.saved.splice(0)) {
      const { mm, page, entry, huge } = saved;
      const marker = huge ? mm.pageTable.huge(page) : mm.pageTable.get(page);
      const vma = mm.vmas.at(page * PAGE_SIZE);
      if (vma === null || swapType(marker) !== SWP_MIGRATION || pteFrame(marker) !== pteFrame(entry)) continue;
      const frame = pteFrame(entry) - folio + now;
      const broken = system.memory.frames.has(frame, PG_HWPOISON);
      if (unusedToZero && !broken && !vma.has(VM_LOCKED) && system.memory.contents.isZero(frame)) {
        mm.pageTable.set(page, makePte(ZERO_FRAME, marker & CARRIED));
      } else {
        this.mapAgain(saved, frame, rightsNow(vma, entry, marker));
      }
    }
    system.migrationEnded.notifyAll();
  }

  private mapAgain({ mm, page, entry, huge }: SavedEntry, frame: number, rights: number): void {
    const { frames } = this.system.memory;
    const moved = (rights + ((frame - pteFrame(entry)) << FRAME_SHIFT)) | 0;
    frames.get(frames.folioOf(frame));
    if (huge) {
      frames.mapHuge(frame, mm.id);
      // pmd_mkdirty: what is dirty counts as written to since soft-dirty bits were reset. A small entry remembers.
      const touched = (moved & PTE_DIRTY) !== 0 && !frames.has(frame, PG_HUGETLB);
      mm.pageTable.setHuge(page, touched ? moved | PTE_SOFT_DIRTY : moved);
    } else {
      frames.map(frame, mm.id);
      mm.pageTable.set(page, moved);
    }
  }

  private splitHuge(place: FolioPlace): void {
    forEachEntry(this.system.memory, place, this.folio, {
      small: () => undefined,
      huge: (page) => {
        splitHugePmdLocked(place.vma, page, true);
      },
    });
  }

  /** try_to_migrate_one. False: a page cannot be moved, and what is behind it stays. */
  private takeAll(place: FolioPlace): boolean {
    const entries: SavedEntry[] = [];
    const { mm } = place.vma;
    forEachEntry(this.system.memory, place, this.folio, {
      small: (page, entry) => entries.push({ mm, page, entry, huge: false }),
      huge: (page, entry) => entries.push({ mm, page, entry, huge: true }),
    });
    for (const saved of entries) {
      if (this.isHeld(pteFrame(saved.entry))) return false;
      this.take(place.vma, saved);
    }
    return true;
  }

  /** folio_try_share_anon_rmap fails. */
  private isHeld(frame: number): boolean {
    const { frames } = this.system.memory;
    return frames.has(this.folio, PG_ANON) && frames.has(frame, PG_ANON_EXCLUSIVE) && frames.maybeDmaPinned(this.folio);
  }

  private take(vma: Vma, saved: SavedEntry): void {
    const { page, entry, huge } = saved;
    const { pageTable, notifiers } = vma.mm;
    const marker = makeSwapEntry(SWP_MIGRATION, pteFrame(entry), entry & CARRIED);
    if (huge) {
      unmapHuge(vma, page, entry);
      pageTable.setHuge(page, marker);
    } else {
      unmapFrame(vma, page, entry);
      pageTable.set(page, marker);
    }
    notifiers.archInvalidateSecondaryTlbs(page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    this.system.memory.put(this.folio);
    this.saved.push(saved);
  }
}

/** What an entry may say when it comes back: rights may have been taken away meanwhile, from the mapping or the entry. */
function rightsNow(vma: Vma, entry: number, marker: number): number {
  const carried = marker & CARRIED;
  const unchanged = carried === (entry & CARRIED);
  const rights = unchanged && vma.has(VM_WRITE) ? entry : entry & ~PTE_WRITE;
  return (rights & ~CARRIED) | carried;
}
