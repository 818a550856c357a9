import type { IntQueue } from './int-queue.js';
import type { ReadySet } from './schedule-policy.js';

/**
 * The ready queue as a policy sees it.
 *
 * A class, not an object literal: one with an accessor costs a hidden class each, and keeps what it closes over alive.
 */
export class ReadyQueue implements ReadySet {
  constructor(
    private readonly queue: IntQueue,
    private readonly nameOf: (id: number) => string,
  ) {}

  get length(): number {
    return this.queue.length;
  }

  id(index: number): number {
    return this.queue.at(index);
  }

  name(index: number): string {
    return this.nameOf(this.queue.at(index));
  }
}
