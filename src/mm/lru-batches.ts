import { type PhysicalMemory } from './physical-memory.js';

/** PAGEVEC_SIZE. */
const BATCH = 31;

/** Where folios are on their way to: struct cpu_fbatches has a batch for each. */
const LISTS = ['lazyfree', 'deactivate'] as const;

/**
 * Folios on their way to another LRU list: Linux's struct cpu_fbatches of mm/swap.c, of one CPU. Each is referred to until its
 * batch is full or all are drained, so that a write to it meanwhile cannot take it over and makes a copy.
 */
export class LruBatches {
  private readonly folios = new Map<(typeof LISTS)[number], number[]>(LISTS.map((list) => [list, []]));

  constructor(private readonly memory: PhysicalMemory) {}

  /** folio_batch_add_and_move. A large folio does not wait. */
  add(list: (typeof LISTS)[number], folio: number): void {
    const { frames } = this.memory;
    const batch = this.folios.get(list) ?? [];
    frames.get(folio);
    batch.push(folio);
    if (batch.length === BATCH || frames.order(folio) > 0) this.move(batch);
  }

  /** lru_add_drain. */
  drain(): void {
    for (const batch of this.folios.values()) this.move(batch);
  }

  /** folio_batch_move_lru. */
  private move(batch: number[]): void {
    for (const folio of batch.splice(0)) this.memory.put(folio);
  }
}
