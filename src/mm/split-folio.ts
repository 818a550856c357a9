import type { Task } from '../engine/index.js';
import { FolioMigration } from './migrate-folio.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON } from './page-flags.js';
import { splitCachedFolio } from './split-cached-folio.js';

/**
 * split_folio (mm/huge_memory.c): makes single pages of a large folio. Every mapping that shows any of it is told CLEAR.
 * The pages of anonymous memory are mapped again afterwards, but for those that hold only zeros: the shared zero page takes
 * their place. A file's are not.
 *
 * The caller holds the folio lock and one reference.
 *
 * @param keep the page with which both stay
 * @returns false if somebody else refers to the folio, a pin for one: then nobody is told anything
 */
export function* splitFolio(system: MmSystem, folio: number, keep = folio): Task<boolean> {
  if (!system.memory.frames.has(folio, PG_ANON)) return yield* splitCachedFolio(system, folio, null, keep);
  const parts = yield* splitFolioToList(system, folio, keep);
  for (const part of parts ?? []) system.memory.put(part);
  return parts !== null;
}

/**
 * split_folio_to_list, of an anonymous folio.
 * @returns the other pages that are mapped, each with a reference of its own; null if it stays whole
 */
export function* splitFolioToList(system: MmSystem, folio: number, keep = folio): Task<number[] | null> {
  const { memory } = system;
  const { frames } = memory;
  // can_split_folio
  if (frames.refcount[folio] !== frames.folioMapcount(folio) + 1) return null;
  const migration = new FolioMigration(system, folio);
  // Somebody may have taken a reference while the drivers were waited for.
  const alone = (yield* migration.unmap(true)) && frames.refcount[folio] === 1;
  if (!alone) {
    migration.restore(folio);
    return null;
  }
  const parts = memory.splitFolio(folio, new Array<number>(frames.pages(folio)).fill(0), 0);
  migration.restore(folio, true);
  memory.moveLock(folio, keep);
  const others = parts.filter((part) => part !== keep);
  const mapped = others.filter((part) => frames.folioMapcount(part) > 0);
  for (const part of others) if (frames.folioMapcount(part) === 0) memory.put(part);
  return mapped;
}
