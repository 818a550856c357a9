import { SimulationError } from './errors.js';
import { READ, WRITE, type StateSink } from './step-observer.js';
import { QueuedWaitable } from './waitable.js';
import type { Scheduler } from './task.js';

/** A counting semaphore: `yield semaphore` takes one permit, `release()` gives one back to the longest waiter. */
export class Semaphore extends QueuedWaitable {
  private available: number;
  /** Who took the permits that are out, oldest first. Whoever gives one back need not be one of them. */
  private readonly takers: number[] = [];

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
    this.touch(READ);
    return this.available;
  }

  admit(task: number): boolean {
    this.touch(WRITE);
    if (this.available === 0) return this.enqueue(task);
    this.available--;
    this.takers.push(task);
    return true;
  }

  release(): void {
    this.touch(WRITE);
    if (this.available === this.permits) {
      throw new SimulationError(`${this.name}: released more often than taken (${String(this.permits)} permits)`);
    }
    this.takers.splice(Math.max(0, this.takers.indexOf(this.scheduler.running)), 1);
    const task = this.dequeue();
    if (task < 0) {
      this.available++;
      return;
    }
    this.takers.push(task);
    this.scheduler.wake(task);
  }

  describe(): string {
    return `a permit of ${this.name} (${String(this.permits)} in all)`;
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.add(this.available);
    for (const taker of this.takers) to.task(taker);
    super.expose(to);
  }

  /** Any one of them would do, so they close no cycle: another one may still come round. */
  override mayEndIt(): readonly number[] {
    return this.takers;
  }
}
