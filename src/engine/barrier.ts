import { SimulationError } from './errors.js';
import { READ, RELEASE, WRITE, type StateSink } from './step-observer.js';
import { NOBODY, QueuedWaitable } from './waitable.js';
import type { TaskHandle } from './task.js';
import type { Scheduler } from './task.js';

/** One participant's hold on a barrier. Release it once. */
export class Hold {
  /** True once it has been released. */
  released = false;

  /** @internal made by Barrier.hold */
  constructor(
    private readonly barrier: HoldCounter,
    readonly owner: string,
    /** The hold taken before this one: a list costs less than an array that grows. */
    readonly previous: Hold | null,
  ) {}

  release(): void {
    if (this.released) throw new SimulationError(`${this.barrier.name}: "${this.owner}" released its hold twice`);
    this.released = true;
    this.barrier.letGo();
  }
}

/**
 * Counted holds: a task that yields the barrier waits until every hold taken on it has been released. With no hold it
 * passes at once. This is the base for things that are barriers besides something else; `Barrier` is just a barrier.
 */
export abstract class HoldCounter extends QueuedWaitable {
  private count = 0;
  private latest: Hold | null = null;
  /** Tasks each of which releases a hold when it ends, where that is known. */
  private releasers: TaskHandle[] | null = null;

  /** Number of holds that have not been released. */
  get holds(): number {
    this.touch(READ);
    return this.count;
  }

  /** Says which task will release a hold at its end: who waits for the barrier then waits for that task. */
  protected releasedBy(task: TaskHandle): void {
    (this.releasers ??= []).push(task);
  }

  protected take(owner: string): Hold {
    this.touch(WRITE);
    const hold = new Hold(this, owner, this.latest);
    this.latest = hold;
    this.count++;
    return hold;
  }

  /** @internal called by Hold.release */
  letGo(): void {
    this.touch(RELEASE);
    if (--this.count > 0) return;
    this.latest = null;
    this.releasers = null;
    this.allReleased();
    this.wakeAll();
  }

  /** Called when the last hold has been released, before the waiters go on. */
  protected allReleased(): void {
    // A plain barrier has nothing else to do.
  }

  admit(task: number): boolean {
    this.touch(READ);
    return this.count === 0 || this.enqueue(task);
  }

  describe(): string {
    const owners: string[] = [];
    for (let hold = this.latest; hold !== null; hold = hold.previous) {
      if (!hold.released) owners.unshift(`"${hold.owner}"`);
    }
    return `${this.name}, held by ${owners.join(', ')}`;
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.add(this.count);
    super.expose(to);
  }

  override get isHeld(): boolean {
    return this.count > 0;
  }

  override owners(): readonly number[] {
    if (this.releasers === null) return NOBODY;
    const owners: number[] = [];
    for (const { id, hasEnded } of this.releasers) if (!hasEnded) owners.push(id);
    return owners;
  }
}

/** A barrier with a name of its own. */
export class Barrier extends HoldCounter {
  constructor(
    scheduler: Scheduler,
    readonly name: string,
  ) {
    super(scheduler);
  }

  hold(owner: string): Hold {
    return this.take(owner);
  }
}
