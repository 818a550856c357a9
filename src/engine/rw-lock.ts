import { SimulationError } from './errors.js';
import type { Holdable } from './held-locks.js';
import { IntQueue } from './int-queue.js';
import { Shared } from './shared-state.js';
import { READ, RELEASE, UPDATE, WRITE, type StateSink } from './step-observer.js';
import { Waitable } from './waitable.js';
import type { Scheduler } from './task.js';

/**
 * A sleeping reader/writer lock, fair as Linux's rw_semaphore is: a waiting writer stops new readers.
 *
 * `yield lock.shared` takes it for reading, `yield lock.exclusive` for writing.
 */
export class RwLock extends Shared implements Holdable {
  readonly shared: Waitable;
  readonly exclusive: Waitable;

  private readonly readers: number[] = [];
  private writer = -1;
  private readonly queue = new IntQueue();

  constructor(
    protected override readonly scheduler: Scheduler,
    readonly name: string,
    readonly lockClass = name,
  ) {
    super(scheduler);
    this.shared = new Side(scheduler, this, false);
    this.exclusive = new Side(scheduler, this, true);
  }

  get heldExclusively(): boolean {
    this.touch(READ);
    return this.writer >= 0;
  }

  /** True if the running task holds the lock either way. */
  get heldByMe(): boolean {
    const { running } = this.scheduler;
    return running >= 0 && (this.writer === running || this.readers.includes(running));
  }

  releaseShared(): void {
    const index = this.readers.indexOf(this.scheduler.running);
    if (index < 0) throw this.notHeld('reading');
    this.touch(RELEASE);
    this.readers.splice(index, 1);
    this.scheduler.heldLocks.released(this.scheduler.running, this);
    this.admitWaiters();
  }

  releaseExclusive(): void {
    if (this.writer < 0 || this.writer !== this.scheduler.running) throw this.notHeld('writing');
    this.touch(WRITE);
    this.writer = -1;
    this.scheduler.heldLocks.released(this.scheduler.running, this);
    this.admitWaiters();
  }

  /** Turns the caller's exclusive hold into a shared one without letting a writer in between. */
  downgrade(): void {
    if (this.writer < 0 || this.writer !== this.scheduler.running) throw this.notHeld('writing');
    this.touch(WRITE);
    this.readers.push(this.writer);
    this.writer = -1;
    this.admitWaiters();
  }

  /** @internal */
  admit(task: number, exclusive: boolean): boolean {
    // Readers come and go in any order: who waits among them is admitted with them.
    this.touch(exclusive ? WRITE : UPDATE);
    if (this.writer === task || (exclusive && this.readers.includes(task))) {
      throw new SimulationError(`${this.name}: task "${this.scheduler.taskName(task)}" holds it already`);
    }
    this.scheduler.heldLocks.wanted(task, this);
    if (this.queue.length === 0 && this.compatible(exclusive)) {
      this.grant(task, exclusive);
      return true;
    }
    // A writer is queued as its id, a reader as the complement of it.
    this.queue.push(exclusive ? task : ~task);
    return false;
  }

  /** @internal */
  holders(): readonly number[] {
    return this.writer >= 0 ? [this.writer] : this.readers;
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.task(this.writer);
    to.add(this.readers.length);
    for (const reader of this.readers) to.task(reader);
    for (let i = 0; i < this.queue.length; i++) {
      const entry = this.queue.at(i);
      to.add(entry >= 0 ? 1 : 0);
      to.task(entry >= 0 ? entry : ~entry);
    }
  }

  private compatible(exclusive: boolean): boolean {
    return this.writer < 0 && (!exclusive || this.readers.length === 0);
  }

  private grant(task: number, exclusive: boolean): void {
    if (exclusive) this.writer = task;
    else this.readers.push(task);
    this.scheduler.heldLocks.taken(task, this);
  }

  private admitWaiters(): void {
    while (this.queue.length > 0) {
      const entry = this.queue.at(0);
      const exclusive = entry >= 0;
      if (!this.compatible(exclusive)) return;
      this.queue.shift();
      const task = exclusive ? entry : ~entry;
      this.grant(task, exclusive);
      this.scheduler.wake(task);
    }
  }

  private notHeld(what: string): SimulationError {
    return new SimulationError(
      `${this.name}: released for ${what} by ${this.scheduler.taskName(this.scheduler.running)}, who does not hold it`,
    );
  }
}

class Side extends Waitable {
  readonly name: string;

  constructor(
    scheduler: Scheduler,
    private readonly lock: RwLock,
    private readonly forWriting: boolean,
  ) {
    super(scheduler, lock);
    this.name = lock.name;
  }

  admit(task: number): boolean {
    return this.lock.admit(task, this.forWriting);
  }

  describe(): string {
    const holders = this.lock.holders().map((task) => `"${this.scheduler.taskName(task)}"`);
    const how = this.forWriting ? 'exclusively' : 'shared';
    return `${this.name} (${how})${holders.length > 0 ? `, held by ${holders.join(', ')}` : ''}`;
  }

  override owners(): readonly number[] {
    return this.lock.holders();
  }
}
