import { WRITE } from './step-observer.js';
import { QueuedWaitable } from './waitable.js';
import type { Scheduler, Task } from './task.js';

/**
 * A condition variable: it has no state, so a task that yields it always waits for the next notification. Re-check
 * what you wait for in a loop, as with a Linux wait queue.
 */
export class Condition extends QueuedWaitable {
  constructor(
    scheduler: Scheduler,
    readonly name: string,
  ) {
    super(scheduler);
  }

  admit(task: number): boolean {
    this.touch(WRITE);
    return this.enqueue(task);
  }

  /** Lets the task go on that has waited longest. */
  notifyOne(): void {
    this.touch(WRITE);
    const task = this.dequeue();
    if (task >= 0) this.scheduler.wake(task);
  }

  /** Lets all tasks go on that wait now. */
  notifyAll(): void {
    this.touch(WRITE);
    this.wakeAll();
  }

  /**
   * Waits for a notification, at most `timeout` ns.
   * @returns false if the time ran out first
   */
  *waitFor(timeout: number): Task<boolean> {
    const task = this.scheduler.running;
    let notified = true;
    const timer = this.scheduler.after(timeout, `timeout of ${this.name}`, () => {
      this.touch(WRITE);
      if (this.withdraw(task)) {
        notified = false;
        this.scheduler.wake(task);
      }
    });
    yield this;
    timer.cancel();
    return notified;
  }

  describe(): string {
    return this.name;
  }
}
