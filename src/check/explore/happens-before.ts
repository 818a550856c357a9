import { RELEASE, WRITE, type Access } from '../../engine/index.js';
import { START, countOf, join, withCount, type Clock } from './clock.js';
import { Column } from './column.js';
import { accessOf, commute, sharedOf, type Footprint } from './footprint.js';

/** What one shared thing has been through. Never changed once made. */
interface History {
  /** How the latest uses use it: all of them may change places. */
  readonly access: Access;
  readonly latest: readonly number[];
  /** The uses before those, which may not change places with them. */
  readonly earlier: readonly number[];
  /** What happened before, or is, one of the latest uses; of those before; of the latest ones that release it. */
  readonly latestClock: Clock;
  readonly earlierClock: Clock;
  readonly releaseClock: Clock;
}

const UNUSED: History = {
  access: WRITE,
  latest: [],
  earlier: [],
  latestClock: START,
  earlierClock: START,
  releaseClock: START,
};

/**
 * The order that matters among the events of an execution, by vector clocks: the order of each process's own steps; a
 * step before what it spawned, woke or armed; one instant before the next; and uses of a shared thing in their order,
 * unless they may change places.
 *
 * Event number n is the nth step. Events can be taken back, latest first, so that executions with a common beginning
 * share what is known of it.
 */
export class HappensBefore {
  /** Of each event: whose it is, its number among those of its process from 1 on, and its clock. */
  private readonly processes: number[] = [];
  private readonly numbers: number[] = [];
  private readonly clocks: Clock[] = [];
  /** Per process: what comes before its next event, and the number of its events. */
  private readonly ready = new Column<Clock>(START);
  private readonly counts: number[] = [];
  private readonly histories = new Column<History>(UNUSED);
  /** The end of the instant before: of one element. */
  private readonly instant = new Column<Clock>(START);
  /** Before each event: numbers of changes of ready, histories and instant. */
  private readonly marks: number[] = [];
  private readonly candidates: number[] = [];

  /** Number of events. */
  get length(): number {
    return this.processes.length;
  }

  /** Takes events back until there are only so many. */
  rewind(length: number): void {
    while (this.length > length) {
      const process = this.processes.pop() ?? 0;
      this.numbers.pop();
      this.clocks.pop();
      this.counts[process]--;
      this.instant.rewind(this.marks.pop() ?? 0);
      this.histories.rewind(this.marks.pop() ?? 0);
      this.ready.rewind(this.marks.pop() ?? 0);
    }
  }

  /** True if `a` must come before `b`, or is `b`. */
  before(a: number, b: number): boolean {
    return countOf(this.clocks[b], this.processes[a]) >= this.numbers[a];
  }

  /** Adds the next event. */
  add(process: number, footprint: Footprint): void {
    const event = this.length;
    const number = (this.counts[process] ?? 0) + 1;
    this.marks.push(this.ready.changes, this.histories.changes, this.instant.changes);
    let clock = join(this.ready.get(process), this.instant.get(0));
    for (const entry of footprint.entries) {
      const history = this.histories.get(sharedOf(entry));
      clock = join(clock, commute(history.access, accessOf(entry)) ? history.earlierClock : history.latestClock);
    }
    clock = withCount(clock, process, number);
    this.processes.push(process);
    this.numbers.push(number);
    this.clocks.push(clock);
    while (this.counts.length <= process) this.counts.push(0);
    this.counts[process] = number;
    this.ready.set(process, clock);
    for (const entry of footprint.entries) {
      const shared = sharedOf(entry);
      this.histories.set(shared, used(this.histories.get(shared), accessOf(entry), event, clock));
    }
  }

  /**
   * The events that the next one, of `process`, would race with: they use the same thing, and nothing but that says that
   * they come first. To be called before it is added.
   */
  racesOf(process: number, footprint: Footprint): readonly number[] {
    const { candidates } = this;
    candidates.length = 0;
    const mine = this.ready.get(process);
    const instant = this.instant.get(0);
    for (const entry of footprint.entries) {
      const history = this.histories.get(sharedOf(entry));
      for (const event of commute(history.access, accessOf(entry)) ? history.earlier : history.latest) {
        const owner = this.processes[event];
        const number = this.numbers[event];
        const known = countOf(mine, owner) >= number || countOf(instant, owner) >= number;
        if (!known && !candidates.includes(event)) candidates.push(event);
      }
    }
    if (candidates.length < 2) return candidates;
    return candidates.filter((event) => !candidates.some((other) => other !== event && this.before(event, other)));
  }

  /** The last event let a process go on, which waited for a shared thing; -1 if it was for nothing shared. */
  enable(process: number, shared: number): void {
    let clock = join(this.ready.get(process), this.clocks[this.length - 1]);
    if (shared >= 0) clock = join(clock, this.histories.get(shared).releaseClock);
    this.ready.set(process, clock);
  }

  /** Everything so far comes before everything from here on. */
  timeMoves(): void {
    this.instant.set(0, this.counts.slice());
  }
}

/** What a thing has been through once an event has used it. */
function used(history: History, access: Access, event: number, clock: Clock): History {
  if (!commute(history.access, access)) {
    return {
      access,
      latest: [event],
      earlier: history.latest,
      latestClock: clock,
      earlierClock: history.latestClock,
      releaseClock: access === RELEASE ? clock : START,
    };
  }
  return {
    access,
    latest: [...history.latest, event],
    earlier: history.earlier,
    latestClock: join(history.latestClock, clock),
    earlierClock: history.earlierClock,
    releaseClock: access === RELEASE ? join(history.releaseClock, clock) : history.releaseClock,
  };
}
