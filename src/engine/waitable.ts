import { IntQueue } from './int-queue.js';
import { Shared } from './shared-state.js';
import type { StateSink } from './step-observer.js';
import type { Scheduler } from './task.js';

/** No tasks. */
export const NOBODY: readonly number[] = [];

/**
 * Something a task can wait for by yielding it.
 *
 * A waitable either admits the task at once or keeps its id and wakes it later through the scheduler. It names itself
 * so that a deadlock report can say what each task waits for.
 */
export abstract class Waitable extends Shared {
  abstract readonly name: string;

  constructor(
    protected override readonly scheduler: Scheduler,
    partOf?: Shared,
  ) {
    super(scheduler, partOf);
  }

  /**
   * Asks for admission on behalf of a task.
   * @returns true if the task may go on at once; false if it has been queued and will be woken
   */
  abstract admit(task: number): boolean;

  /** What a task that waits here waits for, in words. */
  abstract describe(): string;

  /** Tasks without each of which the wait cannot end, where that is known: the edges of the wait-for graph. */
  owners(): readonly number[] {
    return NOBODY;
  }

  /** Tasks one of which may end the wait: where a report goes on from a task that waits here. */
  mayEndIt(): readonly number[] {
    return this.owners();
  }

  /** True if somebody has to let go of this before the wait can end: a task, or a driver that is none. */
  get isHeld(): boolean {
    return this.mayEndIt().length > 0;
  }
}

/** A waitable that keeps its waiters in one first-in first-out queue. */
export abstract class QueuedWaitable extends Waitable {
  /** The oldest waiter lies outside of the queue: most waitables never have a second one and then need no queue. */
  private first = -1;
  private rest: IntQueue | null = null;

  /** Number of tasks that wait. */
  get waiting(): number {
    return (this.first < 0 ? 0 : 1) + (this.rest === null ? 0 : this.rest.length);
  }

  protected enqueue(task: number): false {
    if (this.first < 0) this.first = task;
    else (this.rest ??= new IntQueue()).push(task);
    return false;
  }

  /** Takes the longest waiting task off the queue; -1 if nobody waits. */
  protected dequeue(): number {
    const task = this.first;
    if (task >= 0) this.first = this.rest === null || this.rest.length === 0 ? -1 : this.rest.shift();
    return task;
  }

  protected withdraw(task: number): boolean {
    if (this.first === task) {
      this.dequeue();
      return true;
    }
    return this.rest !== null && this.rest.remove(task);
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.add(this.waiting);
    if (this.first >= 0) to.task(this.first);
    for (let i = 0; this.rest !== null && i < this.rest.length; i++) to.task(this.rest.at(i));
  }

  protected wakeAll(): void {
    for (let task = this.dequeue(); task >= 0; task = this.dequeue()) this.scheduler.wake(task);
  }
}
