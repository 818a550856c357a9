import type { Task } from '../engine/index.js';
import { FolioMigration } from './migrate-folio.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_WRITEBACK } from './page-flags.js';
import { splitFolioToList } from './split-folio.js';

/** Whether locks and writeback are waited for. */
export type MigrateMode = 'async' | 'sync';

/** What came of migrate_pages_batch. */
export interface BatchResult {
  /** Folios that stay where they are, in the order in which they are tried again. */
  readonly stayed: number[];
  /** Pages of folios that were split instead, each with a reference of its own. */
  readonly split: number[];
  /** Folios that were split. */
  readonly splitFolios: number;
}

/** A folio that nothing maps any more, and its new place. */
interface Unmapped {
  readonly migration: FolioMigration;
  readonly target: number;
}

/**
 * migrate_pages_batch: all folios are unmapped, those that could not be several times over; then they are moved. What is
 * partially mapped is split instead. The caller's references go with the folios that leave.
 */
export function* migratePagesBatch(
  system: MmSystem,
  folios: readonly number[],
  node: number,
  mode: MigrateMode,
  passes: number,
): Task<BatchResult> {
  const { memory } = system;
  const split: number[] = [];
  const underWriteback: number[] = [];
  const unmapped: Unmapped[] = [];
  let splitFolios = 0;
  let again = folios;
  for (let pass = 0; pass < passes && again.length > 0; pass++) {
    const retry: number[] = [];
    for (const folio of again) {
      const parts = yield* splitIfPartiallyMapped(system, folio, mode);
      if (parts.length > 0) {
        split.push(...parts);
        splitFolios++;
      } else if (memory.frames.refcount[folio] === 1) {
        // It was freed meanwhile but for the caller's reference.
        memory.put(folio);
      } else if (mode === 'async' && memory.frames.has(folio, PG_WRITEBACK)) {
        underWriteback.push(folio);
      } else {
        const one = yield* migrateFolioUnmap(system, folio, node, mode);
        if (one === null) retry.push(folio);
        else unmapped.push(one);
      }
    }
    again = retry;
  }
  const undone = moveAll(system, unmapped);
  return { stayed: [...again, ...underWriteback, ...undone], split, splitFolios };
}

/**
 * try_split_folio, of anonymous folios that wait to be split since a part of them is not mapped any more.
 * @returns the pages that are still mapped, and the first one last; none if it stays as it is
 */
function* splitIfPartiallyMapped(system: MmSystem, folio: number, mode: MigrateMode): Task<number[]> {
  const { memory } = system;
  if (!memory.frames.has(folio, PG_ANON) || !memory.frames.isPartiallyMapped(folio)) return [];
  if (!(yield* lock(system, folio, mode))) return [];
  const parts = yield* splitFolioToList(system, folio);
  memory.unlockFolio(folio);
  return parts === null ? [] : [...parts, folio];
}

/** migrate_folio_unmap. null: the folio is locked, or some entry could not be taken away. */
function* migrateFolioUnmap(system: MmSystem, folio: number, node: number, mode: MigrateMode): Task<Unmapped | null> {
  const { memory } = system;
  const target = yield* system.allocate(memory.frames.order(folio), node);
  if (target < 0) return null;
  if (yield* lock(system, folio, mode)) {
    yield* memory.waitForWriteback(folio);
    const migration = new FolioMigration(system, folio);
    // What no entry maps goes without anybody being told.
    if (memory.frames.folioMapcount(folio) === 0 || (yield* migration.unmap())) return { migration, target };
    migration.restore(folio);
    memory.unlockFolio(folio);
  }
  memory.put(target);
  return null;
}

/** migrate_folios_move. @returns the folios that somebody refers to */
function moveAll(system: MmSystem, unmapped: readonly Unmapped[]): number[] {
  const { memory } = system;
  const stayed: number[] = [];
  for (const { migration, target } of unmapped) {
    const { folio } = migration;
    const moved = migration.moveTo(target);
    migration.restore(moved ? target : folio);
    memory.unlockFolio(folio);
    if (moved) memory.put(folio);
    else stayed.push(folio);
    memory.put(target);
  }
  return stayed;
}

function* lock(system: MmSystem, folio: number, mode: MigrateMode): Task<boolean> {
  if (mode === 'async') return system.memory.tryLockFolio(folio);
  yield* system.memory.lockFolio(folio);
  return true;
}
