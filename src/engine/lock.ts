import { SimulationError } from './errors.js';
import { READ, WRITE, type StateSink } from './step-observer.js';
import { QueuedWaitable } from './waitable.js';
import type { Holdable } from './held-locks.js';
import type { Scheduler } from './task.js';

/**
 * A sleeping mutual exclusion lock with an owner: `yield lock` takes it, `release()` hands it to the longest waiter.
 * Not recursive. Only its owner may release it.
 */
export class Lock extends QueuedWaitable implements Holdable {
  private owner = -1;

  constructor(
    scheduler: Scheduler,
    readonly name: string,
    readonly lockClass = name,
  ) {
    super(scheduler);
  }

  get held(): boolean {
    this.touch(READ);
    return this.owner >= 0;
  }

  get heldByMe(): boolean {
    return this.owner >= 0 && this.owner === this.scheduler.running;
  }

  /** Takes the lock if it is free; false otherwise. Must run inside a task. */
  tryAcquire(): boolean {
    this.touch(WRITE);
    if (this.owner >= 0) return false;
    if (this.scheduler.running < 0) throw new SimulationError(`${this.name}: a lock needs a task that owns it`);
    this.grant(this.scheduler.running);
    return true;
  }

  admit(task: number): boolean {
    this.touch(WRITE);
    if (this.owner === task) {
      throw new SimulationError(`${this.name}: task "${this.scheduler.taskName(task)}" holds it already`);
    }
    this.scheduler.heldLocks.wanted(task, this);
    if (this.owner >= 0) return this.enqueue(task);
    this.grant(task);
    return true;
  }

  /**
   * Hands it to who has waited longest.
   * @throws SimulationError if the running task does not hold it
   */
  release(): void {
    this.touch(WRITE);
    const { running } = this.scheduler;
    if (this.owner < 0) throw new SimulationError(`${this.name}: released, but nobody holds it`);
    if (this.owner !== running) {
      throw new SimulationError(
        `${this.name}: released by ${this.scheduler.taskName(running)}, held by "${this.scheduler.taskName(this.owner)}"`,
      );
    }
    this.scheduler.heldLocks.released(running, this);
    this.owner = -1;
    const next = this.dequeue();
    if (next < 0) return;
    this.grant(next);
    this.scheduler.wake(next);
  }

  describe(): string {
    return this.owner < 0 ? this.name : `${this.name}, held by "${this.scheduler.taskName(this.owner)}"`;
  }

  override owners(): readonly number[] {
    return this.owner < 0 ? [] : [this.owner];
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.task(this.owner);
    super.expose(to);
  }

  private grant(task: number): void {
    this.owner = task;
    this.scheduler.heldLocks.taken(task, this);
  }
}
