import { Subscriber, type Observer } from 'rxjs';
import { HotStream, type SharedState, type Task } from '../../engine/index.js';
import type { KernelCore } from '../../kernel/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { InvalidateRange, MmuNotifier } from '../../../notifiers/index.js';
import type { DeviceDriver } from '../../../devices/contract/index.js';
import type { Stage } from '../explore/index.js';

/**
 * Sees to it that a driver's code is known as that driver's wherever it runs: what a driver keeps, nobody can see, so every
 * step of its code counts as a change of one thing, the driver. It runs where verbs, page faults and notifiers call it, in the
 * tasks and timers that it makes, and where it has asked a range or a stream of the kernel to call it back.
 */
export class DriverCode {
  private readonly adoptedRanges = new WeakSet<InvalidateRange>();

  constructor(
    private readonly stage: Stage,
    kernel: KernelCore,
  ) {
    const { hub, mm } = kernel;
    hub.start$.subscribe((range) => {
      this.adoptCallbacks(range);
    });
    for (const owner of [kernel, hub, mm, mm.memory]) {
      for (const stream of Object.values(owner) as unknown[]) {
        if (stream instanceof HotStream) this.adoptSubscribers(stream as HotStream<unknown>);
      }
    }
  }

  /** A driver of which every step counts. */
  driver(driver: DeviceDriver, part: SharedState): DeviceDriver {
    const own = <T>(make: () => Task<T>): Task<T> => this.stage.stepsWithin(part, lazily(make));
    return {
      name: driver.name,
      stats: driver.stats,
      regMr: (request) => own(() => driver.regMr(request)),
      deregMr: (region) => own(() => driver.deregMr(region)),
      pageFault: (fault) => own(() => driver.pageFault(fault)),
    };
  }

  /** What subscribes to an address space from within a part is called back within it. */
  adoptSubscriptions(mm: MmStruct): void {
    const { stage } = this;
    const { notifiers } = mm;
    const insertInterval = notifiers.insertInterval.bind(notifiers);
    const insertAdopted: typeof insertInterval = (start, length, ops) => {
      const { part } = stage;
      if (part === null) return insertInterval(start, length, ops);
      return insertInterval(start, length, {
        name: ops.name,
        invalidate: (range, seq) => {
          this.adoptCallbacks(range);
          stage.within(part, () => {
            ops.invalidate(range, seq);
          });
        },
      });
    };
    const adopted = new Map<MmuNotifier, MmuNotifier>();
    const register = notifiers.register.bind(notifiers);
    const registerAdopted: typeof register = (notifier) => {
      const { part } = stage;
      if (part === null) return register(notifier);
      const own = this.adoptNotifier(notifier, part);
      adopted.set(notifier, own);
      return register(own);
    };
    const unregister = notifiers.unregister.bind(notifiers);
    const unregisterAdopted: typeof unregister = (notifier) => unregister(adopted.get(notifier) ?? notifier);
    notifiers.insertInterval = insertAdopted;
    notifiers.register = registerAdopted;
    notifiers.unregister = unregisterAdopted;
  }

  /** Who subscribes to a stream from within a part is told within it. */
  private adoptSubscribers(stream: HotStream<unknown>): void {
    const { stage } = this;
    const subscribe = stream.subscribe.bind(stream);
    const subscribeAdopted: typeof stream.subscribe = (observerOrNext, error?, complete?) => {
      const { part } = stage;
      const given = typeof observerOrNext === 'function' ? { next: observerOrNext } : (observerOrNext ?? {});
      const observer: Partial<Observer<unknown>> =
        given instanceof Subscriber
          ? given
          : { ...bound(given), ...(error ? { error } : {}), ...(complete ? { complete } : {}) };
      if (part === null) return subscribe(observer);
      const subscription = subscribe({
        ...bound(observer),
        next: (value) => {
          stage.within(part, () => observer.next?.(value));
        },
      });
      if (!(observer instanceof Subscriber)) return subscription;
      observer.add(subscription);
      return observer;
    };
    stream.subscribe = subscribeAdopted;
  }

  private adoptNotifier(notifier: MmuNotifier, part: SharedState): MmuNotifier {
    const { stage } = this;
    const adoptCallbacks = this.adoptCallbacks.bind(this);
    return new Proxy(notifier, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        if (key === 'release') {
          // Its range is announced to nobody else.
          return (range: InvalidateRange): unknown => {
            adoptCallbacks(range);
            return stage.within(part, () => Reflect.apply(value, target, [range]) as unknown);
          };
        }
        return (...args: unknown[]): unknown => stage.within(part, () => Reflect.apply(value, target, args) as unknown);
      },
    });
  }

  private adoptCallbacks(range: InvalidateRange): void {
    if (this.adoptedRanges.has(range)) return;
    this.adoptedRanges.add(range);
    for (const method of ['onEnd', 'onHeld', 'onReleased', 'onQuiesced'] as const) {
      const add = range[method].bind(range) as (listener: (argument: never) => void) => void;
      const addAdopted = (listener: (argument: never) => void): void => {
        add(this.adopted(listener));
      };
      range[method] = addAdopted;
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

/** The methods of an observer, whatever it is. */
function bound(observer: Partial<Observer<unknown>>): Partial<Observer<unknown>> {
  const { next, error, complete } = observer;
  return {
    ...(next ? { next: next.bind(observer) } : {}),
    ...(error ? { error: error.bind(observer) } : {}),
    ...(complete ? { complete: complete.bind(observer) } : {}),
  };
}

/** A task that is made when its first step is taken: a plain function that returns one may do something by itself. */
function* lazily<T>(make: () => Task<T>): Task<T> {
  return yield* make();
}
