import { LEAF_SHIFT as HPAGE_ORDER } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { anonVmaPrepare } from './anon-vma.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_SWAPBACKED, PG_UPTODATE } from './page-flags.js';
import { policyNodeOf } from './shared-policy.js';
import type { Vma } from './vma.js';

/**
 * A zeroed anonymous frame for the page at `address`, exclusive to this mm, not mapped yet.
 * @returns its number, with one reference; -1 if memory has run out
 */
export function* newAnonPage(vma: Vma, address: number): Task<number> {
  return yield* newAnonFolio(vma, address, 0);
}

/**
 * A zeroed anonymous folio of 2^order pages from `address` on, every page exclusive to this mm, not mapped yet. Nothing is
 * reclaimed for a large one (GFP_TRANSHUGE_LIGHT): the caller makes do with pages.
 *
 * @param node where it should be; default what the mapping's policy says
 * @returns its first frame, with one reference; -1 if there is none
 */
export function* newAnonFolio(
  vma: Vma,
  address: number,
  order: number,
  node = policyNodeOf(vma, address),
): Task<number> {
  const { system } = vma.mm;
  const anonVma = anonVmaPrepare(vma);
  const folio = order > 0 ? system.memory.allocate(order, node) : yield* system.allocate(0, node);
  if (folio < 0) return -1;
  const { frames } = system.memory;
  frames.set(folio, PG_ANON | PG_SWAPBACKED | PG_UPTODATE);
  frames.owner[folio] = anonVma.id;
  frames.index[folio] = vma.pageIndex(address) - anonVma.base;
  // Of a huge entry the first page speaks for all.
  const marked = order === HPAGE_ORDER ? 1 : 1 << order;
  for (let i = 0; i < marked; i++) frames.set(folio + i, PG_ANON_EXCLUSIVE);
  system.lruBatches.addLru(folio);
  return folio;
}

/** folio_move_anon_rmap: the folio is this mapping's family's alone, and a parent's walk need not look for it. */
export function moveAnonRmap(vma: Vma, folio: number): void {
  const { system } = vma.mm;
  const { frames } = system.memory;
  const old = system.anonVmaOf(folio);
  const anonVma = anonVmaPrepare(vma);
  if (old === null || old === anonVma) return;
  frames.owner[folio] = anonVma.id;
  frames.index[folio] += old.base - anonVma.base;
}
