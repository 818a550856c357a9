import { READ, WRITE, type StateSink } from './step-observer.js';
import { QueuedWaitable } from './waitable.js';
import type { Scheduler } from './task.js';

/** A gate is open or closed. Tasks pass an open gate at once and wait at a closed one; opening it lets all of them go. */
export class Gate extends QueuedWaitable {
  constructor(
    scheduler: Scheduler,
    readonly name: string,
    private opened = false,
  ) {
    super(scheduler);
  }

  get isOpen(): boolean {
    this.touch(READ);
    return this.opened;
  }

  /** Lets everybody go on who waits, and through who comes. */
  open(): void {
    this.touch(WRITE);
    this.opened = true;
    this.wakeAll();
  }

  /** Whoever comes from now on waits. */
  close(): void {
    this.touch(WRITE);
    this.opened = false;
  }

  admit(task: number): boolean {
    this.touch(READ);
    return this.opened || this.enqueue(task);
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.add(this.opened ? 1 : 0);
    super.expose(to);
  }

  describe(): string {
    return `${this.name} to open`;
  }
}
