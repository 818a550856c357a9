import type { Task } from '../engine/index.js';
import { anonVmaPrepare } from './anon-vma.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_SWAPBACKED, PG_UPTODATE } from './page-flags.js';
import type { Vma } from './vma.js';

/**
 * A zeroed anonymous frame for the page at `address`, exclusive to this mm, not mapped yet.
 * @returns its number, with one reference; -1 if memory has run out
 */
export function* newAnonPage(vma: Vma, address: number): Task<number> {
  const { system } = vma.mm;
  const anonVma = anonVmaPrepare(vma);
  const frame = yield* system.allocate(0);
  if (frame < 0) return -1;
  const { frames } = system.memory;
  frames.set(frame, PG_ANON | PG_ANON_EXCLUSIVE | PG_SWAPBACKED | PG_UPTODATE);
  frames.owner[frame] = anonVma.id;
  frames.index[frame] = vma.pageIndex(address) - anonVma.base;
  return frame;
}
