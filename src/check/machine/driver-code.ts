import type { SharedState, Task } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { InvalidateRange, MmuNotifier, NotifierHub } from '../../../notifiers/index.js';
import type { DeviceDriver } from '../../../devices/contract/index.js';
import type { Stage } from '../explore/index.js';

/**
 * Sees to it that a driver's code is known as that driver's wherever it runs: what a driver keeps, nobody can see, so every
 * step of its code counts as a change of one thing, the driver. It runs where verbs, page faults and notifiers call it, in the
 * tasks and timers that it makes, and where it has asked a range to call it back.
 */
export class DriverCode {
  constructor(
    private readonly stage: Stage,
    hub: NotifierHub,
  ) {
    hub.start$.subscribe((range) => {
      this.adoptCallbacks(range);
    });
  }

  /** A driver of which every step counts. */
  driver(driver: DeviceDriver, part: SharedState): DeviceDriver {
    const { stage } = this;
    return {
      name: driver.name,
      stats: driver.stats,
      regMr: (request) =>
        stage.stepsWithin(
          part,
          lazily(() => driver.regMr(request)),
        ),
      deregMr: (region) =>
        stage.stepsWithin(
          part,
          lazily(() => driver.deregMr(region)),
        ),
      pageFault: (fault) =>
        stage.stepsWithin(
          part,
          lazily(() => driver.pageFault(fault)),
        ),
    };
  }

  /** What subscribes to an address space from within a part is called back within it. */
  adoptSubscriptions(mm: MmStruct): void {
    const { stage } = this;
    const { notifiers } = mm;
    const insertInterval = notifiers.insertInterval.bind(notifiers);
    notifiers.insertInterval = (start, length, ops) => {
      const { part } = stage;
      if (part === null) return insertInterval(start, length, ops);
      return insertInterval(start, length, {
        name: ops.name,
        invalidate: (range, seq) => {
          stage.within(part, () => {
            ops.invalidate(range, seq);
          });
        },
      });
    };
    const adopted = new Map<MmuNotifier, MmuNotifier>();
    const register = notifiers.register.bind(notifiers);
    notifiers.register = (notifier) => {
      const { part } = stage;
      if (part === null) return register(notifier);
      const own = this.adoptNotifier(notifier, part);
      adopted.set(notifier, own);
      return register(own);
    };
    const unregister = notifiers.unregister.bind(notifiers);
    notifiers.unregister = (notifier) => unregister(adopted.get(notifier) ?? notifier);
  }

  private adoptNotifier(notifier: MmuNotifier, part: SharedState): MmuNotifier {
    const { stage } = this;
    return new Proxy(notifier, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => stage.within(part, () => Reflect.apply(value, target, args) as unknown);
      },
    });
  }

  private adoptCallbacks(range: InvalidateRange): void {
    for (const method of ['onEnd', 'onReleased', 'onQuiesced'] as const) {
      const add = range[method].bind(range) as (listener: (argument: never) => void) => void;
      range[method] = (listener: (argument: never) => void) => {
        add(this.adopted(listener));
      };
    }
  }

  private adopted<T>(callback: (argument: T) => void): (argument: T) => void {
    const { stage } = this;
    const { part } = stage;
    if (part === null) return callback;
    return (argument) => {
      stage.within(part, () => {
        callback(argument);
      });
    };
  }
}

/** A task that is made when its first step is taken: a plain function that returns one may do something by itself. */
function* lazily<T>(make: () => Task<T>): Task<T> {
  return yield* make();
}
