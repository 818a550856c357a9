import { Errno, hex, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { FolioMigration } from './migrate-folio.js';
import type { MmStruct } from './mm-struct.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_HUGETLB } from './page-flags.js';
import { PTE_NONE, pteFrame, ptePresent } from './pte.js';
import { splitFolio } from './split-folio.js';
import { modify } from './vma-merge.js';

/** NR_MAX_MIGRATE_ASYNC_RETRY and NR_MAX_MIGRATE_SYNC_RETRY. */
const ASYNC_PASSES = 3;
const SYNC_PASSES = 7;

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
  // vma_migratable
  if (vma === null || vma.file?.isDax === true) return 'EFAULT';
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
 * mbind(2) with MPOL_MF_MOVE: pages of the range come from a node from now on, and those that are elsewhere move there, if
 * only one mm maps them.
 *
 * @param node null for MPOL_DEFAULT: nothing moves
 * @throws Errno EFAULT if part of the range is not mapped; EINVAL for a part of a huge page of hugetlb
 */
export function* mbind(mm: MmStruct, address: number, length: number, node: number | null): Task {
  const { system } = mm;
  const end = address + length;
  system.lruBatches.drain();
  yield mm.mmapLock.exclusive;
  const folios = new Set<number>();
  try {
    const vmas = mm.vmas.overlapping(address, end);
    const covered = vmas.reduce((sum, vma) => sum + Math.min(end, vma.end) - Math.max(address, vma.start), 0);
    if (node !== null && covered < length) throw new Errno('EFAULT', `mbind at ${hex(address)}: holes`);
    if (vmas.length === 0) throw new Errno('EFAULT', `mbind at ${hex(address)}: nothing is mapped there`);
    if (node !== null) queuePagesRange(mm, address, end, node, folios);
    for (let at = address; at < end;) {
      const vma = mm.vmas.at(at) ?? mm.vmas.after(at);
      if (vma === null || vma.start >= end) break;
      const from = Math.max(at, vma.start);
      const stop = Math.min(end, vma.end);
      if (vma.policyNode !== node) {
        yield* modify(vma, from, stop, (part) => {
          part.policyNode = node;
        });
      }
      at = stop;
    }
  } catch (error) {
    for (const folio of folios) system.memory.put(folio);
    throw error;
  } finally {
    mm.mmapLock.releaseExclusive();
  }
  if (node !== null) yield* migratePages(system, [...folios], node);
}

/** queue_pages_range: folios of the range that are on another node, with a reference each. */
function queuePagesRange(mm: MmStruct, start: number, end: number, node: number, folios: Set<number>): void {
  const { pageTable, system } = mm;
  const { frames } = system.memory;
  const add = (pte: number): void => {
    if (!ptePresent(pte) || system.isZero(pteFrame(pte))) return;
    const folio = frames.folioOf(pteFrame(pte));
    if (system.memory.nodeOf(folio) === node || frames.maybeMappedShared(folio) || folios.has(folio)) return;
    frames.get(folio);
    folios.add(folio);
  };
  const to = pageOf(end);
  for (const [page, stop] of pageTable.populatedBlocks(pageOf(start), to)) {
    const huge = pageTable.huge(page);
    if (huge !== PTE_NONE) add(huge);
    else
      pageTable.forEach(page, stop, (_, pte) => {
        add(pte);
      });
  }
}

/**
 * migrate_pages, MIGRATE_SYNC: all folios are unmapped, then moved; those that cannot be are tried again, and then one by one.
 * Drops the caller's references.
 *
 * @returns the number of folios that stay where they are
 */
export function* migratePages(system: MmSystem, folios: readonly number[], node: number): Task<number> {
  const { frames } = system.memory;
  const stayed = yield* migrateHugetlbs(system, folios, node);
  const whole: number[] = [];
  const parts: number[] = [];
  for (const folio of folios.filter((one) => !frames.has(one, PG_HUGETLB))) {
    const split = yield* splitIfPartiallyMapped(system, folio);
    if (split.length > 0) parts.push(...split);
    else whole.push(folio);
  }
  const left = yield* migrateBatch(system, whole, node, ASYNC_PASSES);
  // What comes of a split folio is tried less, and does not count.
  yield* migrateBatch(system, parts, node, ASYNC_PASSES);
  const held = new Set(folios);
  for (const part of parts) if (!held.has(part)) system.memory.put(part);
  for (const folio of left) stayed.push(...(yield* migrateBatch(system, [folio], node, SYNC_PASSES)));
  for (const folio of folios) system.memory.put(folio);
  return stayed.length;
}

/**
 * try_split_folio, of anonymous folios that wait to be split since a part of them is not mapped any more.
 * @returns the pages that are still mapped, the first one last; each but the first has a reference of its own
 */
function* splitIfPartiallyMapped(system: MmSystem, folio: number): Task<number[]> {
  const { memory } = system;
  const { frames } = memory;
  const pages = frames.pages(folio);
  if (!frames.has(folio, PG_ANON) || !frames.isPartiallyMapped(folio) || !memory.tryLockFolio(folio)) return [];
  const split = yield* splitFolio(system, folio);
  memory.unlockFolio(folio);
  if (!split) return [];
  const parts = Array.from({ length: pages }, (_, i) => folio + ((i + 1) % pages));
  const mapped = parts.filter((part) => frames.isAllocated(part) && frames.folioMapcount(part) > 0);
  for (const part of mapped) if (part !== folio) frames.get(part);
  return mapped;
}

/** migrate_hugetlbs: each is unmapped, moved and mapped again by itself. @returns the folios that stay */
function* migrateHugetlbs(system: MmSystem, folios: readonly number[], node: number): Task<number[]> {
  const { memory } = system;
  let again = folios.filter((folio) => memory.frames.has(folio, PG_HUGETLB));
  for (let pass = 0; pass < ASYNC_PASSES + SYNC_PASSES && again.length > 0; pass++) {
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
  const moved = (yield* migration.unmap()) && migration.moveTo(target);
  migration.restore(moved ? target : folio);
  memory.unlockFolio(folio);
  memory.put(target);
  return moved;
}

/** migrate_pages_batch. @returns the folios that stay */
function* migrateBatch(system: MmSystem, folios: readonly number[], node: number, passes: number): Task<number[]> {
  const { memory } = system;
  let again: readonly number[] = folios;
  const unmapped: FolioMigration[] = [];
  for (let pass = 0; pass < passes && again.length > 0; pass++) {
    const busy: number[] = [];
    for (const folio of again) {
      yield* memory.lockFolio(folio);
      yield* memory.waitForWriteback(folio);
      const migration = new FolioMigration(system, folio);
      if (yield* migration.unmap()) {
        unmapped.push(migration);
        continue;
      }
      migration.restore(folio);
      memory.unlockFolio(folio);
      busy.push(folio);
    }
    again = busy;
  }
  const stayed = [...again];
  for (const migration of unmapped) {
    const { folio } = migration;
    const target = yield* system.allocate(memory.frames.order(folio), node);
    const moved = target >= 0 && migration.moveTo(target);
    migration.restore(moved ? target : folio);
    memory.unlockFolio(folio);
    if (!moved) stayed.push(folio);
    if (target >= 0) memory.put(target);
  }
  return stayed;
}
