import type { Task } from '../engine/index.js';
import type { MmSystem } from './mm-system.js';
import { removeIfUnused } from './page-cache.js';
import { PG_ALLOCATED, PG_ANON, PG_DIRTY, PG_PRIVATE, PG_REFERENCED, PG_TAIL, PG_WRITEBACK } from './page-flags.js';
import { ReclaimThrottle, SWAP_CLUSTER_MAX, type BackgroundWriteback } from './reclaim-throttle.js';
import { folioReferenced } from './rmap.js';
import { tryToUnmap } from './try-to-unmap.js';

/** MAX_RECLAIM_RETRIES: rounds without a free page after which memory counts as exhausted. */
const MAX_RECLAIM_RETRIES = 16;

/** What a policy decides about reclaim. */
export interface ReclaimPolicy {
  /** A pinned folio is unmapped, but keeps its file system state and its place in the cache (Kara 2023). */
  readonly skipsPinned: boolean;
}

/**
 * Reclaim of clean file pages (mm/vmscan.c shrink_folio_list), with a clock hand for the order: a folio that was used
 * since the hand passed last is passed over once.
 *
 * Dirty folios are left to writeback, for which an allocation waits where there is nothing else. A folio that loses its mappings and its file system state but turns out to have
 * another user, a pin, stays in the cache without them: that is Linux's order of steps, and failure mode F8.
 */
export class Reclaim {
  /** Folios freed since the start. */
  reclaimed = 0;

  private hand = 0;
  private readonly throttle: ReclaimThrottle;

  constructor(
    private readonly system: MmSystem,
    private readonly policy: ReclaimPolicy,
    private readonly writeback: BackgroundWriteback,
  ) {
    this.throttle = new ReclaimThrottle(system.simulation, system.memory);
  }

  /**
   * Direct reclaim (__alloc_pages_slowpath): frees at least `target` frames, if need be after writeback has cleaned some.
   * The caller may hold mmap_lock, i_rwsem and invalidate_lock, which writeback does not take; no folio lock.
   *
   * @returns the number of frames that there are to be had; 0 if memory is exhausted
   */
  *makeRoom(target: number): Task<number> {
    const { memory } = this.system;
    for (let retries = 0; retries < MAX_RECLAIM_RETRIES; retries++) {
      const freed = yield* this.shrink(target);
      if (freed > 0) return freed;
      const unwritten = this.countUnwritten(SWAP_CLUSTER_MAX);
      if (unwritten === 0) return 0;
      this.writeback.wake();
      yield* this.throttle.wait(unwritten);
      if (memory.freeFrames >= target) return memory.freeFrames;
    }
    return 0;
  }

  /**
   * Frees at least `target` frames if it can.
   * @returns the number of frames freed
   */
  *shrink(target: number): Task<number> {
    const { frames } = this.system.memory;
    let freed = 0;
    // Twice around: the first pass may only take the second chance away.
    for (let left = 2 * frames.count; left > 0 && freed < target; left--) {
      this.hand = (this.hand + 1) % frames.count;
      const folio = this.hand;
      if (this.isCandidate(folio)) freed += yield* this.tryFolio(folio);
    }
    this.reclaimed += freed;
    return freed;
  }

  /** Folios of files that are dirty or under writeback, and may be clean soon: their number, `most` if there are more. */
  private countUnwritten(most: number): number {
    const { frames } = this.system.memory;
    let count = 0;
    for (let folio = 0; folio < frames.count && count < most; folio++) {
      if (!frames.has(folio, PG_DIRTY | PG_WRITEBACK) || frames.has(folio, PG_ANON)) continue;
      if (this.system.mappingOf(folio)?.options.canWriteback === true) count++;
    }
    return count;
  }

  private isCandidate(folio: number): boolean {
    const { frames } = this.system.memory;
    const skipped = PG_TAIL | PG_ANON | PG_DIRTY | PG_WRITEBACK;
    return (frames.flags[folio] & (PG_ALLOCATED | skipped)) === PG_ALLOCATED && this.system.mappingOf(folio) !== null;
  }

  private *tryFolio(folio: number): Task<number> {
    const { system } = this;
    const { memory } = system;
    const { frames } = memory;
    const mapping = system.mappingOf(folio);
    if (mapping === null || !memory.tryLockFolio(folio)) return 0;
    frames.get(folio);
    const freed = (yield* this.detach(folio)) && removeIfUnused(system, mapping, folio) ? frames.pages(folio) : 0;
    memory.unlockFolio(folio);
    memory.put(folio);
    return freed;
  }

  /** Unmaps the folio and takes the file system's state: true if only the cache and the caller should refer to it. */
  private *detach(folio: number): Task<boolean> {
    const { system } = this;
    const { frames } = system.memory;
    // Both are asked: one look takes away every reason to keep the folio.
    const mapped = folioReferenced(system, folio);
    const touched = frames.testAndClear(folio, PG_REFERENCED);
    if (mapped || touched) return false;
    if (frames.folioMapcount(folio) > 0 && !(yield* tryToUnmap(system, folio))) return false;
    // It cannot be pinned anew without a mapping; who has it pinned may be changing it.
    if (this.policy.skipsPinned && frames.maybeDmaPinned(folio)) return false;
    if (frames.has(folio, PG_DIRTY | PG_WRITEBACK)) return false;
    const mapping = system.mappingOf(folio);
    return mapping !== null && (!frames.has(folio, PG_PRIVATE) || mapping.ops.releaseFolio(mapping, folio));
  }
}
