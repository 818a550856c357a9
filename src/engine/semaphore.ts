import { SimulationError } from './errors.js';
import { QueuedWaitable } from './waitable.js';
import type { Scheduler } from './task.js';

/** A counting semaphore: `yield semaphore` takes one permit, `release()` gives one back to the longest waiter. */
export class Semaphore extends QueuedWaitable {
  private available: number;

  /** @param permits number of tasks that may hold it at once, a positive integer */
  constructor(
    scheduler: Scheduler,
    readonly name: string,
    readonly permits: number,
  ) {
    super(scheduler);
    if (!Number.isInteger(permits) || permits < 1) {
      throw new SimulationError(`${name}: permits must be a positive integer, not ${String(permits)}`);
    }
    this.available = permits;
  }

  get free(): number {
    return this.available;
  }

  admit(task: number): boolean {
    if (this.available === 0) return this.enqueue(task);
    this.available--;
    return true;
  }

  release(): void {
    const task = this.dequeue();
    if (task >= 0) {
      this.scheduler.wake(task);
      return;
    }
    if (this.available === this.permits) {
      throw new SimulationError(`${this.name}: released more often than taken (${String(this.permits)} permits)`);
    }
    this.available++;
  }

  describe(): string {
    return `a permit of ${this.name} (${String(this.permits)} in all)`;
  }
}
