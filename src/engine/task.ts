import { SimulationError } from './errors.js';
import type { HeldLocks } from './held-locks.js';
import type { Observed } from './shared-state.js';
import { READ, WRITE, type StateSink } from './step-observer.js';
import { QueuedWaitable, type Waitable } from './waitable.js';

/** What a task may yield: a delay in integer nanoseconds (0: let others of this instant go first) or a waitable. */
export type Wait = number | Waitable;

/**
 * A unit of virtual concurrency: a sync generator that yields what it waits for and returns its result.
 *
 * @example
 * function* writeBack(disk: Disk): Task<number> {
 *   yield disk.idle;          // a waitable
 *   yield 20 * US;            // 20 microseconds
 *   return disk.written;
 * }
 */
export type Task<T = void> = Generator<Wait, T, void>;

/** The part of the simulation that waitables need. */
export interface Scheduler extends Observed {
  /** Id of the task that runs now; -1 outside of tasks (timers, set-up code). */
  readonly running: number;
  /** Virtual time in ns. */
  readonly now: number;
  /** @internal kept by the locks */
  readonly heldLocks: HeldLocks;
  /** Makes a queued task ready, behind those that are ready already. */
  wake(task: number): void;
  /** Calls `fire` after `delay` ns unless cancelled first. */
  after(delay: number, name: string, fire: () => void): Cancellable;
  /** What a task is called, by its id. */
  taskName(task: number): string;
  /** Makes a task of a generator. It first runs when those that are ready now have had their turn. */
  spawn<T>(name: string, task: Task<T>, options?: SpawnOptions): TaskHandle<T>;
}

/** What a task is to the run. */
export interface SpawnOptions {
  /** A daemon does not keep the run alive and may wait for ever: a flusher, a NIC's worker. */
  readonly daemon?: boolean;
}

/** Something due that can be called off. */
export interface Cancellable {
  cancel(): void;
}

/** A spawned task. Yield the handle to wait until the task has ended. */
export class TaskHandle<T = unknown> extends QueuedWaitable {
  /** @internal the same as `done`, for what does not count as a step that looks */
  hasEnded = false;
  private value: T | undefined = undefined;

  constructor(
    scheduler: Scheduler,
    readonly name: string,
    readonly id: number,
    readonly daemon: boolean,
  ) {
    super(scheduler);
  }

  get done(): boolean {
    this.touch(READ);
    return this.hasEnded;
  }

  /** The task's return value. Reading it before the task has ended is an error. */
  get result(): T {
    this.touch(READ);
    if (!this.hasEnded) throw new SimulationError(`task "${this.name}" has no result yet: it is still running`);
    return this.value as T;
  }

  /** @internal */
  finish(value: T): void {
    this.touch(WRITE);
    this.hasEnded = true;
    this.value = value;
    this.wakeAll();
  }

  admit(task: number): boolean {
    this.touch(READ);
    return this.hasEnded || this.enqueue(task);
  }

  describe(): string {
    return `the end of task "${this.name}"`;
  }

  /** @internal What the task has returned is its own state. */
  override expose(to: StateSink): void {
    to.add(this.hasEnded ? 1 : 0);
    super.expose(to);
  }

  override owners(): readonly number[] {
    return this.hasEnded ? [] : [this.id];
  }
}
