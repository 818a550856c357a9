import type { WorkCompletion } from './completion-queue.js';
import type { DmaEngine } from './dma-engine.js';

/**
 * The completions of one side of a queue pair, in order, none of them before the data that it announces is in memory.
 *
 * DMA lands in the order of its issue: a completion that is put behind what is in flight now is behind its own data, and
 * behind every completion that was put there before it.
 */
export class OrderedCompletions {
  /** Completions that wait for memory. */
  private waiting = 0;

  constructor(
    private readonly dma: DmaEngine,
    private readonly deliver: (completion: WorkCompletion) => void,
  ) {}

  /** @param moved true if DMA was issued for it, which may not have landed */
  push(completion: WorkCompletion, moved: boolean): void {
    if (!moved && this.waiting === 0) {
      this.deliver(completion);
      return;
    }
    this.waiting++;
    this.dma.whenLanded(() => {
      this.waiting--;
      this.deliver(completion);
    });
  }
}
