import { PG_LRU } from './page-flags.js';
import { type PhysicalMemory } from './physical-memory.js';

/** PAGEVEC_SIZE. */
const BATCH = 31;

/**
 * Folios on their way to an LRU list, or from one to another: Linux's cpu_fbatches of mm/swap.c, of one CPU. One that goes to
 * another list is referred to until its batch is drained, so that a write to it meanwhile cannot take it over and makes a copy.
 *
 * New folios are referred to as well, but whoever counts references drains the batches first when it meets one (PG_LRU is
 * not set). So theirs are not taken here, and a new folio that goes again is free at once.
 */
export class LruBatches {
  /** Number of times that all have arrived: who remembers it can tell whether his are among those. */
  drains = 0;

  private readonly added: number[] = [];
  private readonly lazyfree: number[] = [];
  private readonly deactivate: number[] = [];

  constructor(private readonly memory: PhysicalMemory) {}

  /** folio_add_lru: a new folio. */
  addLru(folio: number): void {
    this.added.push(folio);
    if (this.isFull(this.added, folio)) this.arrive();
  }

  /** folio_mark_lazyfree: MADV_FREE gave it up. */
  markLazyfree(folio: number): void {
    this.add(this.lazyfree, folio);
  }

  /** folio_deactivate: MADV_COLD puts it down. */
  deactivateFolio(folio: number): void {
    this.add(this.deactivate, folio);
  }

  /** lru_add_drain. */
  drain(): void {
    this.drains++;
    this.arrive();
    this.move(this.deactivate);
    this.move(this.lazyfree);
  }

  /** folio_batch_add_and_move. */
  private add(batch: number[], folio: number): void {
    this.memory.frames.get(folio);
    batch.push(folio);
    if (this.isFull(batch, folio)) this.move(batch);
  }

  /** A large folio does not wait, and takes the others with it. */
  private isFull(batch: readonly number[], folio: number): boolean {
    return batch.length === BATCH || this.memory.frames.order(folio) > 0;
  }

  /** folio_batch_move_lru, of lru_add. */
  private arrive(): void {
    const { frames } = this.memory;
    for (const folio of this.added.splice(0)) if (frames.isAllocated(folio)) frames.set(folio, PG_LRU);
  }

  private move(batch: number[]): void {
    for (const folio of batch.splice(0)) this.memory.put(folio);
  }
}
