import { RELEASE, WRITE, type Access } from '../../engine/index.js';
import { accessOf, commute, sharedOf, type Footprint } from './footprint.js';

/** What one shared thing has been through in an execution. */
interface History {
  /** The execution that this is about. */
  run: number;
  /** The latest uses, which may change places: one write, or reads or updates in any number; and the way of one of them. */
  access: Access;
  latest: number[];
  /** The uses before those, which may not change places with them. */
  earlier: number[];
  /** What happened before, or is, one of them. */
  latestClock: Int32Array;
  earlierClock: Int32Array;
  /** What happened before, or is, one of the latest uses that release it. */
  releaseClock: Int32Array;
}

/**
 * The order that matters among the events of an execution, by vector clocks: the order of each process's own steps; a
 * step before what it spawned, woke or armed; one instant before the next; and uses of a shared thing in their order,
 * unless they may change places.
 *
 * Event number n is the nth step. A clock says for each process how many of its events come first.
 */
export class HappensBefore {
  private length = 0;
  private run = 0;
  /** Number of processes that there is room for. */
  private width: number;
  private clocks: Int32Array;
  private capacity = 64;
  /** Of each event: whose it is, and its number among those of its process, from 1 on. */
  private processes = new Int32Array(this.capacity);
  private numbers = new Int32Array(this.capacity);
  /** Per process: what comes before its next event, and the number of its events. */
  private ready: Int32Array[] = [];
  private counts: Int32Array;
  private instant: Int32Array;
  private histories: History[] = [];
  private readonly candidates: number[] = [];

  constructor(width = 8) {
    this.width = width;
    this.clocks = new Int32Array(this.capacity * width);
    this.counts = new Int32Array(width);
    this.instant = new Int32Array(width);
  }

  /** Forgets everything. */
  reset(): void {
    this.length = 0;
    this.run++;
    this.counts.fill(0);
    this.instant.fill(0);
    for (const clock of this.ready) clock.fill(0);
  }

  processOf(event: number): number {
    return this.processes[event];
  }

  /** True if `a` must come before `b`, or is `b`. */
  before(a: number, b: number): boolean {
    return this.clocks[b * this.width + this.processes[a]] >= this.numbers[a];
  }

  /** Adds the next event. */
  add(process: number, footprint: Footprint): void {
    const event = this.length++;
    if (event === this.capacity) this.lengthen();
    if (process >= this.width) this.widen(process);
    const { width, clocks } = this;
    const row = event * width;
    this.processes[event] = process;
    this.numbers[event] = ++this.counts[process];
    const mine = this.readyOf(process);
    for (let i = 0; i < width; i++) clocks[row + i] = Math.max(mine[i], this.instant[i]);
    for (const entry of footprint.entries) {
      const history = this.historyOf(sharedOf(entry));
      this.joinRow(row, follows(history, accessOf(entry)) ? history.latestClock : history.earlierClock);
    }
    clocks[row + process] = this.numbers[event];
    for (const entry of footprint.entries) this.use(this.historyOf(sharedOf(entry)), accessOf(entry), event);
    for (let i = 0; i < width; i++) mine[i] = clocks[row + i];
  }

  /**
   * The events that the next one, of `process`, would race with: they use the same thing, and nothing but that says that
   * they come first. To be called before it is added.
   */
  racesOf(process: number, footprint: Footprint): readonly number[] {
    const { candidates } = this;
    candidates.length = 0;
    if (process >= this.width) this.widen(process);
    const mine = this.readyOf(process);
    for (const entry of footprint.entries) {
      const history = this.historyOf(sharedOf(entry));
      for (const event of follows(history, accessOf(entry)) ? history.latest : history.earlier) {
        const owner = this.processes[event];
        const known = Math.max(mine[owner], this.instant[owner]) >= this.numbers[event];
        if (!known && !candidates.includes(event)) candidates.push(event);
      }
    }
    if (candidates.length < 2) return candidates;
    return candidates.filter((event) => !candidates.some((other) => other !== event && this.before(event, other)));
  }

  /** The last event let a process go on, which waited for a shared thing; -1 if it was for nothing shared. */
  enable(process: number, shared: number): void {
    if (process >= this.width) this.widen(process);
    const clock = this.readyOf(process);
    const row = (this.length - 1) * this.width;
    this.joinInto(clock, row);
    if (shared < 0) return;
    const { releaseClock } = this.historyOf(shared);
    for (let i = 0; i < this.width; i++) clock[i] = Math.max(clock[i], releaseClock[i]);
  }

  /** Everything so far comes before everything from here on. */
  timeMoves(): void {
    this.instant.set(this.counts);
  }

  private use(history: History, access: Access, event: number): void {
    const row = event * this.width;
    if (follows(history, access)) {
      const { earlier, earlierClock } = history;
      history.access = access;
      history.earlier = history.latest;
      history.earlierClock = history.latestClock;
      history.latest = earlier;
      history.latestClock = earlierClock;
      earlier.length = 0;
      earlierClock.fill(0);
      history.releaseClock.fill(0);
    }
    history.latest.push(event);
    this.joinInto(history.latestClock, row);
    if (access === RELEASE) this.joinInto(history.releaseClock, row);
  }

  private joinInto(clock: Int32Array, row: number): void {
    for (let i = 0; i < this.width; i++) clock[i] = Math.max(clock[i], this.clocks[row + i]);
  }

  private joinRow(row: number, clock: Int32Array): void {
    for (let i = 0; i < this.width; i++) this.clocks[row + i] = Math.max(this.clocks[row + i], clock[i]);
  }

  private readyOf(process: number): Int32Array {
    while (this.ready.length <= process) this.ready.push(new Int32Array(this.width));
    return this.ready[process];
  }

  private historyOf(shared: number): History {
    while (this.histories.length <= shared) {
      this.histories.push({
        run: -1,
        access: WRITE,
        latest: [],
        earlier: [],
        latestClock: new Int32Array(this.width),
        earlierClock: new Int32Array(this.width),
        releaseClock: new Int32Array(this.width),
      });
    }
    const history = this.histories[shared];
    if (history.run !== this.run) {
      history.run = this.run;
      history.access = WRITE;
      history.latest.length = 0;
      history.earlier.length = 0;
      history.latestClock.fill(0);
      history.earlierClock.fill(0);
      history.releaseClock.fill(0);
    }
    return history;
  }

  private lengthen(): void {
    this.capacity *= 2;
    this.clocks = enlarged(this.clocks, this.capacity * this.width);
    this.processes = enlarged(this.processes, this.capacity);
    this.numbers = enlarged(this.numbers, this.capacity);
  }

  private widen(process: number): void {
    const { width } = this;
    while (this.width <= process) this.width *= 2;
    const clocks = new Int32Array(this.capacity * this.width);
    for (let event = 0; event < this.capacity; event++) {
      clocks.set(this.clocks.subarray(event * width, (event + 1) * width), event * this.width);
    }
    this.clocks = clocks;
    this.counts = enlarged(this.counts, this.width);
    this.instant = enlarged(this.instant, this.width);
    this.ready = this.ready.map((clock) => enlarged(clock, this.width));
    for (const history of this.histories) {
      history.latestClock = enlarged(history.latestClock, this.width);
      history.earlierClock = enlarged(history.earlierClock, this.width);
      history.releaseClock = enlarged(history.releaseClock, this.width);
    }
  }
}

/** True if a use comes after the latest ones, rather than beside them. */
function follows(history: History, access: Access): boolean {
  return !commute(history.access, access);
}

function enlarged(from: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}
