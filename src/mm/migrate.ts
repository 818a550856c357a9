import { PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FrameTable } from './frames.js';
import { migratePagesBatch, type BatchResult } from './migrate-batch.js';
import { FolioMigration } from './migrate-folio.js';
import type { MmStruct } from './mm-struct.js';
import type { MmSystem } from './mm-system.js';
import { PG_HUGETLB } from './page-flags.js';
import { pteFrame, ptePresent } from './pte.js';

const NR_MAX_MIGRATE_PAGES_RETRY = 10;
const NR_MAX_MIGRATE_ASYNC_RETRY = 3;
const NR_MAX_MIGRATE_SYNC_RETRY = NR_MAX_MIGRATE_PAGES_RETRY - NR_MAX_MIGRATE_ASYNC_RETRY;

/** A batch has about as many pages as a huge page. */
const NR_MAX_BATCHED_MIGRATION = PTRS_PER_PTE;

/** What move_pages(2) says of a page; null if it did not come to say anything. */
export type MoveStatus = 'moved' | 'ENOENT' | 'EFAULT' | 'EBUSY' | null;

/**
 * move_pages(2) with MPOL_MF_MOVE_ALL, of all pages to one node. Folios move as a whole; of one that was met already the next
 * page is busy.
 *
 * @returns a status per page, and the number of pages that were not migrated
 */
export function* movePages(
  mm: MmStruct,
  addresses: readonly number[],
  node: number,
): Task<{ statuses: MoveStatus[]; left: number }> {
  mm.system.lruBatches.drain();
  const statuses = addresses.map<MoveStatus>(() => null);
  let isolated = new Set<number>();
  let start = 0;
  for (let i = 0; i <= addresses.length; i++) {
    const status = i < addresses.length ? isolate(mm, addresses[i], node, isolated) : null;
    if (i < addresses.length && status === null) continue;
    // move_pages_and_store_status: what has been queued goes before the page that cannot.
    if (i < addresses.length) statuses[i] = status;
    const failed = yield* migratePages(mm.system, [...isolated], node);
    if (failed > 0) return { statuses, left: failed + Math.max(0, addresses.length - i - 1) };
    if (isolated.size > 0) statuses.fill('moved', start, i);
    isolated = new Set();
    start = i + 1;
  }
  return { statuses, left: 0 };
}

/** add_folio_for_migration: null if the page's folio will be moved, and is in `isolated` with a reference. */
function isolate(mm: MmStruct, address: number, node: number, isolated: Set<number>): MoveStatus {
  const { system, vmas, pageTable } = mm;
  const { memory } = system;
  const vma = vmas.at(address);
  if (vma === null || !vma.isMigratable) return 'EFAULT';
  const pte = pageTable.get(pageOf(address));
  if (!ptePresent(pte)) return 'ENOENT';
  if (system.isZero(pteFrame(pte))) return 'EFAULT';
  const folio = memory.frames.folioOf(pteFrame(pte));
  if (memory.nodeOf(folio) === node) return 'moved';
  if (isolated.has(folio)) return 'EBUSY';
  memory.frames.get(folio);
  isolated.add(folio);
  return null;
}

/**
 * migrate_pages, MIGRATE_SYNC: folios of hugetlb first, then the others in batches. Drops the caller's references.
 *
 * @returns the number of folios that stay where they are
 */
export function* migratePages(system: MmSystem, folios: readonly number[], node: number): Task<number> {
  const { frames } = system.memory;
  const hugetlb = folios.filter((folio) => frames.has(folio, PG_HUGETLB));
  const others = folios.filter((folio) => !frames.has(folio, PG_HUGETLB));
  const left = yield* migrateHugetlbs(system, hugetlb, node);
  let failed = left.length;
  for (const batch of batchesOf(frames, others)) {
    const { stayed, split, splitFolios } = yield* migratePagesSync(system, batch, node);
    failed += stayed.length + splitFolios;
    // What comes of a split folio is tried once and does not count: the folio counts already.
    const parts = yield* migratePagesBatch(system, split, node, 'async', 1);
    left.push(...stayed, ...parts.stayed);
  }
  for (const folio of left) system.memory.put(folio);
  return left.length === 0 ? 0 : failed;
}

/** The lists that migrate_pages cuts off: a batch ends with the folio that makes it as long as a huge page. */
function batchesOf(frames: FrameTable, folios: readonly number[]): number[][] {
  const batches: number[][] = [];
  let room = 0;
  for (const folio of folios) {
    if (room <= 0) {
      batches.push([]);
      room = NR_MAX_BATCHED_MIGRATION;
    }
    batches[batches.length - 1].push(folio);
    room -= frames.pages(folio);
  }
  return batches;
}

/** migrate_pages_sync: all at once without waiting for anything; then, those that stayed, one by one. */
function* migratePagesSync(system: MmSystem, folios: readonly number[], node: number): Task<BatchResult> {
  const first = yield* migratePagesBatch(system, folios, node, 'async', NR_MAX_MIGRATE_ASYNC_RETRY);
  const stayed: number[] = [];
  const { split } = first;
  let { splitFolios } = first;
  for (const folio of first.stayed) {
    const one = yield* migratePagesBatch(system, [folio], node, 'sync', NR_MAX_MIGRATE_SYNC_RETRY);
    stayed.push(...one.stayed);
    split.push(...one.split);
    splitFolios += one.splitFolios;
  }
  return { stayed, split, splitFolios };
}

/** migrate_hugetlbs: each is unmapped, moved and mapped again by itself. @returns the folios that stay, with their references */
function* migrateHugetlbs(system: MmSystem, folios: readonly number[], node: number): Task<number[]> {
  let again = [...folios];
  for (let pass = 0; pass < NR_MAX_MIGRATE_PAGES_RETRY && again.length > 0; pass++) {
    const busy: number[] = [];
    for (const folio of again) if (!(yield* unmapAndMoveHugePage(system, folio, node))) busy.push(folio);
    again = busy;
  }
  return again;
}

/** unmap_and_move_huge_page. False: somebody refers to the folio. */
function* unmapAndMoveHugePage(system: MmSystem, folio: number, node: number): Task<boolean> {
  const { memory } = system;
  const target = yield* system.allocate(memory.frames.order(folio), node);
  if (target < 0) return false;
  yield* memory.lockFolio(folio);
  const migration = new FolioMigration(system, folio);
  const unmapped = memory.frames.folioMapcount(folio) === 0 || (yield* migration.unmap());
  const moved = unmapped && migration.moveTo(target);
  migration.restore(moved ? target : folio);
  memory.unlockFolio(folio);
  memory.put(target);
  if (moved) memory.put(folio);
  return moved;
}
