import { READ, WRITE, type SharedThing } from '../../engine/index.js';
import { Column } from './column.js';
import { Digester, NO_DIGEST, type Digest } from './digest.js';
import { accessOf, sharedOf, type Footprint } from './footprint.js';

/** One step as far as states go. */
export interface StepEffect {
  readonly process: number;
  /** A timer remembers nothing from one time to the next: it is known by what it was made from. */
  readonly isTimer: boolean;
  readonly footprint: Footprint;
  /** Things that it made, and processes. */
  readonly made: readonly number[];
  readonly spawned: readonly number[];
  /** Tasks that it woke. */
  readonly woken: readonly number[];
  /** What the process said of where it is, if it did; and whether it went on to look at something. */
  readonly place: readonly number[] | null;
  readonly wentOn: boolean;
  /** What it ended with: a wait for a shared thing, or for good; null: it is ready, or sleeps. */
  readonly end: { readonly parkedOn: number } | { readonly result: unknown } | null;
  readonly now: number;
}

/** What a process does between its steps: nothing, or waits for a thing, or is ready since somebody woke it. */
const IDLE = 0;

function parkedOn(shared: number): number {
  return 2 * shared + 1;
}

function wokenBy(process: number): number {
  return 2 * process + 2;
}

/**
 * Digests of the states of an execution, kept up to date step by step.
 *
 * A state is what things that processes share are, and where processes are. Whatever says what it is is known by that.
 * Anything else is known by its history: a process by what was in the things that its steps used, a thing by the steps
 * that changed it. So two states with the same digest are the same, and the same state has different digests only where
 * something does not say what it is.
 */
export class StateDigests {
  private readonly things = new Column<Digest>(NO_DIGEST);
  private readonly processes = new Column<Digest>(NO_DIGEST);
  /** What each of them adds to the state's digest; those of processes at odd places. */
  private readonly shares = new Column<Digest>(NO_DIGEST);
  private readonly status = new Column<number>(IDLE);
  private readonly digester: Digester;
  private sum: Digest = NO_DIGEST;

  constructor(processOf: (task: number) => number) {
    this.digester = new Digester(processOf);
  }

  /**
   * The digest of the state at a virtual time.
   * @param turns a number for the timers that have a turn, due or not
   */
  state(now: number, turns: number): Digest {
    const { digester, sum } = this;
    digester.start(turns).digest(sum);
    digester.add(now);
    return digester.end();
  }

  /** What it takes to come back to this state. */
  mark(): StateMark {
    const { things, processes, shares, status, sum } = this;
    return [things.changes, processes.changes, shares.changes, status.changes, sum];
  }

  rewind([things, processes, shares, status, sum]: StateMark): void {
    this.things.rewind(things);
    this.processes.rewind(processes);
    this.shares.rewind(shares);
    this.status.rewind(status);
    this.sum = sum;
  }

  /** Something that is there from the beginning. */
  begin(shared: number, thing: SharedThing): void {
    this.setThing(shared, this.exposed(shared, thing) ?? NO_DIGEST);
  }

  /**
   * A step has been taken.
   * @param things by their numbers
   */
  step(effect: StepEffect, things: readonly SharedThing[]): void {
    const { process, footprint, end, now } = effect;
    const cause = this.causeOf(process, footprint);
    for (const entry of footprint.entries) {
      if (accessOf(entry) !== READ) this.change(sharedOf(entry), things, cause, accessOf(entry) !== WRITE);
    }
    for (const shared of effect.made) this.change(shared, things, cause, false);
    this.processes.set(process, this.placeOf(effect, cause));
    this.status.set(process, end !== null && 'parkedOn' in end ? parkedOn(end.parkedOn) : IDLE);
    this.share(process, now);
    for (const child of effect.spawned) {
      this.digester.start(child).digest(cause);
      this.processes.set(child, this.digester.end());
      this.share(child, now);
    }
    for (const task of effect.woken) {
      this.status.set(task, wokenBy(process));
      this.share(task, now);
    }
  }

  /** All that decides what the step does: where the process was, and what was in the things that it uses. */
  private causeOf(process: number, footprint: Footprint): Digest {
    const { digester } = this;
    digester.start(process).digest(this.processes.get(process));
    // Who woke it may have told it something by that.
    digester.add(this.status.get(process));
    for (const entry of footprint.entries) {
      digester.add(sharedOf(entry));
      digester.digest(this.things.get(sharedOf(entry)));
    }
    return digester.end();
  }

  /** @param commutes the order among changes of this kind does not matter */
  private change(shared: number, things: readonly SharedThing[], cause: Digest, commutes: boolean): void {
    const exposed = this.exposed(shared, things[shared]);
    if (exposed !== null) {
      this.setThing(shared, exposed);
      return;
    }
    const { digester } = this;
    const before = this.things.get(shared);
    digester.start(shared).digest(cause);
    if (!commutes) digester.digest(before);
    const change = digester.end();
    this.setThing(shared, commutes ? plus(before, change) : change);
  }

  private exposed(shared: number, thing: SharedThing): Digest | null {
    if (thing.expose === undefined) return null;
    thing.expose(this.digester.start(shared));
    return this.digester.end();
  }

  /** Where a process is after its step. */
  private placeOf({ process, isTimer, place, wentOn, end }: StepEffect, cause: Digest): Digest {
    const { digester } = this;
    if (end !== null && 'result' in end) {
      const { result } = end;
      if (result === undefined) return NO_DIGEST;
      if (typeof result !== 'number' && typeof result !== 'string' && typeof result !== 'boolean') return cause;
      digester.start(0).text(String(result));
      return digester.end();
    }
    if (isTimer) return this.processes.get(process);
    if (place === null) return cause;
    digester.start(1);
    for (const value of place) digester.add(value);
    if (wentOn) digester.digest(cause);
    return digester.end();
  }

  private setThing(shared: number, digest: Digest): void {
    this.things.set(shared, digest);
    this.digester.start(shared).digest(digest);
    this.replace(2 * shared, this.digester.end());
  }

  private share(process: number, now: number): void {
    const { digester } = this;
    digester.start(process).digest(this.processes.get(process));
    digester.add(this.status.get(process));
    digester.add(now);
    this.replace(2 * process + 1, digester.end());
  }

  private replace(place: number, share: Digest): void {
    this.sum = plus(minus(this.sum, this.shares.get(place)), share);
    this.shares.set(place, share);
  }
}

/** Numbers of changes of the columns, and the sum. */
export type StateMark = readonly [things: number, processes: number, shares: number, status: number, sum: Digest];

function plus(x: Digest, y: Digest): Digest {
  return { a: (x.a + y.a) | 0, b: (x.b + y.b) | 0 };
}

function minus(x: Digest, y: Digest): Digest {
  return { a: (x.a - y.a) | 0, b: (x.b - y.b) | 0 };
}
