import { type PhysicalMemory } from './physical-memory.js';

/** PAGEVEC_SIZE. */
const BATCH = 31;

/**
 * Folios on their way to another LRU list: Linux's cpu_fbatches of mm/swap.c, of one CPU. Each is referred to until its batch
 * is drained, so that a write to it meanwhile cannot take it over and makes a copy.
 */
export class LruBatches {
  private readonly lazyfree: number[] = [];
  private readonly deactivate: number[] = [];

  constructor(private readonly memory: PhysicalMemory) {}

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
    this.move(this.deactivate);
    this.move(this.lazyfree);
  }

  /** folio_batch_add_and_move. A large folio does not wait, and takes the others with it. */
  private add(batch: number[], folio: number): void {
    const { frames } = this.memory;
    frames.get(folio);
    batch.push(folio);
    if (batch.length === BATCH || frames.order(folio) > 0) this.move(batch);
  }

  private move(batch: number[]): void {
    for (const folio of batch.splice(0)) this.memory.put(folio);
  }
}
