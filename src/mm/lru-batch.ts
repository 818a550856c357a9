import { type PhysicalMemory } from './physical-memory.js';

/** PAGEVEC_SIZE. */
const BATCH = 31;

/**
 * Folios on their way to another LRU list: Linux's struct folio_batch of mm/swap.c, of one CPU. Each is referred to until the
 * batch is drained, so that a write to it meanwhile cannot take it over and makes a copy.
 */
export class LruBatch {
  private readonly folios: number[] = [];

  constructor(private readonly memory: PhysicalMemory) {}

  /** folio_batch_add_and_move. A large folio does not wait. */
  add(folio: number): void {
    const { frames } = this.memory;
    frames.get(folio);
    this.folios.push(folio);
    if (this.folios.length === BATCH || frames.order(folio) > 0) this.drain();
  }

  /** lru_add_drain. */
  drain(): void {
    for (const folio of this.folios.splice(0)) this.memory.put(folio);
  }
}
