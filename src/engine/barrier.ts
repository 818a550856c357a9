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

  /**
   * Lets go.
   * @throws SimulationError if it was released before
   */
  release(): void {
    if (this.released) this.barrier.releasedTwice(this);
    this.released = true;
    this.barrier.letGo(this);
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
  letGo(hold: Hold): void {
    this.touch(RELEASE);
    this.count--;
    this.holdReleased?.(hold);
    if (this.count > 0) return;
    this.latest = null;
    this.releasers = null;
    this.allReleased();
    this.wakeAll();
  }

  /** @internal a hold that has been released is released again. */
  releasedTwice(hold: Hold): never {
    throw new SimulationError(`${this.name}: "${hold.owner}" released its hold twice`);
  }

  /** Called when a hold has been released, the last one too. */
  protected holdReleased?(hold: Hold): void;

  /** Called when the last hold has been released, before the waiters go on. */
  protected allReleased(): void {
    // A plain barrier has nothing else to do.
  }

  /** True while a hold of this owner has not been released. */
  heldBy(owner: string): boolean {
    for (let hold = this.latest; hold !== null; hold = hold.previous) {
      if (!hold.released && hold.owner === owner) return true;
    }
    return false;
  }

  admit(task: number): boolean {
    this.touch(READ);
    return this.count === 0 || this.enqueue(task);
  }

  /** Who has not released a hold, oldest first: an owner per hold. */
  get holders(): readonly string[] {
    const owners: string[] = [];
    for (let hold = this.latest; hold !== null; hold = hold.previous) {
      if (!hold.released) owners.unshift(hold.owner);
    }
    return owners;
  }

  describe(): string {
    return `${this.name}, held by ${this.holders.map((owner) => `"${owner}"`).join(', ')}`;
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
