import type { Task } from '../engine/index.js';
import { removeFromPageCache } from './page-cache.js';
import type { MmSystem } from './mm-system.js';
import { PG_WRITEBACK } from './page-flags.js';
import { PAGE_MARKS } from './page-index.js';
import { tryToUnmap } from './try-to-unmap.js';

/**
 * __folio_split (mm/huge_memory.c) of a file's folio: in halves, of which the one with page `at` of the folio is split again,
 * down to that page (try_folio_split_to_order); or into single pages if `at` is null (split_folio). Every mapping of the
 * folio is told CLEAR and loses its entries. Parts behind the end of the file are dropped; the others keep what the folio
 * was marked with. The caller holds the lock and one reference.
 *
 * @param keep the part with which both stay
 * @returns false if somebody refers to the folio, or the file system cannot give up its state
 */
export function* splitCachedFolio(system: MmSystem, folio: number, at: number | null, keep = folio): Task<boolean> {
  const { memory } = system;
  const { frames } = memory;
  const mapping = system.mappingOf(folio);
  if (mapping === null || frames.has(folio, PG_WRITEBACK)) return false;
  if (!mapping.ops.releaseFolio(mapping, folio)) return false;
  const expected = frames.folioMapcount(folio) + frames.pages(folio) + 1;
  if (frames.refcount[folio] !== expected) return false;
  if (!(yield* tryToUnmap(system, folio))) return false;
  // folio_ref_freeze: who took a reference while drivers were told has one to all of it.
  if (frames.refcount[folio] !== frames.pages(folio) + 1) return false;
  const marks = PAGE_MARKS.filter((mark) => mapping.pages.hasMark(frames.index[folio], mark));
  const orders = at === null ? new Array<number>(frames.pages(folio)).fill(0) : partOrders(frames.order(folio), at);
  const parts = memory.splitFolio(folio, orders, 1);
  memory.moveLock(folio, keep);
  for (const part of parts) {
    if (part !== folio) {
      if (frames.index[part] >= mapping.sizeInPages) removeFromPageCache(system, mapping, part);
      else for (const mark of marks) mapping.pages.setMark(frames.index[part], mark);
    }
    if (part !== keep) memory.put(part);
  }
  return true;
}

/** Orders of the parts, first to last. */
function partOrders(order: number, at: number): number[] {
  if (order === 0) return [0];
  const half = 1 << (order - 1);
  if (at < half) return [...partOrders(order - 1, at), order - 1];
  return [order - 1, ...partOrders(order - 1, at - half)];
}
