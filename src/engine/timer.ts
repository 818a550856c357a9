import { Shared, type Observed } from './shared-state.js';
import { READ, WRITE, type StateSink } from './step-observer.js';
import type { Cancellable } from './task.js';

/** What a timer needs of its simulation. */
export interface TimerHost extends Observed {
  readonly now: number;
  /** @internal puts the timer on the event heap, or on the ready queue for a delay of 0 */
  armTimer(timer: Timer, delay: number): void;
  /** @internal */
  freeTimer(timer: Timer): void;
}

/**
 * A function to be called at a virtual time: for what happens at a time and cannot sleep (a packet arrives, a DMA
 * lands, a retry is due). Reusable: arming an armed timer moves it.
 */
export class Timer extends Shared implements Cancellable {
  /** @internal sequence number of the heap entry that counts; entries with another one are stale */
  seq = -1;
  /** @internal virtual time for which it was armed last */
  at = -1;
  /** @internal true while an entry of the ready queue counts */
  due = false;

  /** @internal made by Simulation.timer and Simulation.after */
  constructor(
    private readonly host: TimerHost,
    readonly slot: number,
    readonly name: string,
    readonly fire: () => void,
    readonly oneShot: boolean,
  ) {
    super(host);
  }

  get armed(): boolean {
    this.touch(READ);
    return this.due || this.seq >= 0;
  }

  /** @param delay integer ns from now, 0 or more */
  arm(delay: number): void {
    this.touch(WRITE);
    this.host.armTimer(this, delay);
  }

  disarm(): void {
    this.touch(WRITE);
    this.seq = -1;
    this.due = false;
  }

  /** @internal its turn has come. @returns false if it is not due any more */
  takeTurn(): boolean {
    this.touch(WRITE);
    if (!this.due) return false;
    this.due = false;
    return true;
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.add(this.due || this.seq >= 0 ? this.at : -1);
  }

  /** Disarms the timer for good and gives its slot back. */
  cancel(): void {
    this.disarm();
    this.host.freeTimer(this);
  }
}
