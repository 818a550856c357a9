import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';
import type { Simulation } from './simulation.js';
import { MS } from './time.js';
import type { Timer } from './timer.js';
import { throwUncaught } from './uncaught.js';

/**
 * RxJS's clock on virtual time: hand it to `delay`, `bufferTime`, `timeout`, `throttleTime` and the like.
 *
 * RxJS counts in milliseconds, so 0.001 is a microsecond here; fractions below a nanosecond are rounded.
 *
 * @example
 * kernel.invalidations$.pipe(bufferTime(10, new VirtualTimeScheduler(sim))).subscribe(print);  // per 10 virtual ms
 */
export class VirtualTimeScheduler implements SchedulerLike {
  constructor(private readonly simulation: Simulation) {}

  now(): number {
    return this.simulation.now / MS;
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return new VirtualAction(this.simulation, work).schedule(state, delay);
  }
}

class VirtualAction<T> extends Subscription implements SchedulerAction<T> {
  private readonly timer: Timer;
  private state: T | undefined;

  constructor(simulation: Simulation, work: (this: SchedulerAction<T>, state?: T) => void) {
    super();
    this.timer = simulation.timer('RxJS action', () => {
      work.call(this, this.state);
      throwUncaught();
    });
    this.add(() => {
      this.timer.cancel();
    });
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.state = state;
    this.timer.arm(Math.round(Math.max(0, delay) * MS));
    return this;
  }
}
