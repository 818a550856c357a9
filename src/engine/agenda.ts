import { SimulationError } from './errors.js';
import { EventHeap } from './event-heap.js';
import { IntQueue } from './int-queue.js';
import type { StepObserver } from './step-observer.js';
import { Timer, type TimerHost } from './timer.js';

/** Virtual concurrency ids: a task's is 0 or more, a timer's is the complement of its slot. This one is nobody's. */
export const NOBODY = -0x80000000;

/**
 * The clock, and what is due when: the ids that are ready at this instant, those that become so later, and the timers.
 *
 * Time moves only when nothing is ready.
 */
export class Agenda implements TimerHost {
  /** Virtual time in integer ns. */
  now = 0;
  /** Virtual time up to which the clock may go. */
  until = Infinity;
  /** Ids that can go next, oldest first. */
  readonly ready = new IntQueue(16);

  private readonly heap = new EventHeap();
  private readonly timers: (Timer | null)[] = [];
  private readonly freeSlots: number[] = [];

  /**
   * @param observer null unless a search over schedules goes on
   * @param timeMoves called before the clock moves on to a time (ns); may throw if it must not
   */
  constructor(
    readonly observer: StepObserver | null,
    private readonly timeMoves: (to: number) => void,
  ) {}

  /** Makes a task ready: at once, behind those that are so already, or `delay` ns from now. */
  add(id: number, delay: number): void {
    if (delay === 0) this.ready.push(id);
    else this.heap.push(this.now + delay, id);
  }

  newTimer(name: string, fire: () => void, oneShot: boolean): Timer {
    const slot = this.freeSlots.pop() ?? this.timers.length;
    const timer = new Timer(this, slot, name, fire, oneShot);
    this.timers[slot] = timer;
    if (this.observer !== null) this.observer.spawned(~slot, name);
    return timer;
  }

  /** The timer of an id; null if it is gone. */
  timer(id: number): Timer | null {
    return this.timers[~id] ?? null;
  }

  armTimer(timer: Timer, delay: number): void {
    const due = this.now + delay;
    if (delay < 0 || Math.trunc(due) !== due) {
      throw new SimulationError(
        `timer "${timer.name}": a delay must be an integer of 0 ns or more, not ${String(delay)}`,
      );
    }
    if (this.observer !== null) this.observer.enabled(~timer.slot, timer.sharedId);
    timer.at = due;
    if (delay === 0) {
      timer.seq = -1;
      timer.due = true;
      this.ready.push(~timer.slot);
    } else {
      timer.due = false;
      timer.seq = this.heap.push(due, ~timer.slot);
    }
  }

  freeTimer(timer: Timer): void {
    // An entry of the ready queue may still name the slot. Whoever observes steps must not take it for the next owner's.
    if (this.timers[timer.slot] !== timer || this.observer !== null) return;
    this.timers[timer.slot] = null;
    this.freeSlots.push(timer.slot);
  }

  /**
   * Takes whoever is next, first in, first out. That needs no list of who is ready: what the heap has of this instant
   * was there before anything that became ready in it.
   * @returns NOBODY if nothing is due by `until`
   */
  takeOldest(): number {
    const { ready, heap } = this;
    for (;;) {
      const time = heap.minTime;
      if (time !== this.now && ready.length > 0) return ready.shift();
      if (time > this.until || time === Infinity) return NOBODY;
      const id = this.popDue(time);
      if (id !== NOBODY) return id;
    }
  }

  /** If nothing is ready: moves on to the next instant, if it is not after `until`, and makes ready all that is due then. */
  gatherDue(): void {
    const { ready, heap } = this;
    while (ready.length === 0) {
      const time = heap.minTime;
      if (time > this.until || time === Infinity) return;
      while (heap.minTime === time) {
        const id = this.popDue(time);
        if (id !== NOBODY) ready.push(id);
      }
    }
  }

  /**
   * Moves the clock on to `time`, if nothing else is due before or at it.
   * @returns false if something else comes first; the clock then stays
   */
  advanceAlone(time: number): boolean {
    // Whether anything is ready is the schedule's business: whoever observes steps must not see it change what a step does.
    if (this.observer !== null || this.ready.length > 0 || this.heap.minTime <= time || time > this.until) return false;
    this.advance(time);
    return true;
  }

  /** Takes the earliest entry off the heap and moves the clock to it; NOBODY if it was a disarmed timer's. */
  private popDue(time: number): number {
    const id = this.heap.pop();
    if (id < 0) {
      const timer = this.timers[~id];
      if (timer === null || timer.seq !== this.heap.poppedSeq) return NOBODY;
      timer.seq = -1;
      timer.due = true;
    }
    if (time !== this.now) this.advance(time);
    return id;
  }

  private advance(time: number): void {
    this.timeMoves(time);
    this.now = time;
    if (this.observer !== null) this.observer.timeMoves();
  }
}
