/* eslint-disable @typescript-eslint/no-deprecated -- lift and Subscriber are how RxJS 7 is extended; 8 will want another way */
import { Observable, Subscriber, Subscription, type Observer, type Operator } from 'rxjs';
import { keepUncaught, throwUncaught } from './uncaught.js';

/**
 * An Observable whose errors are not swallowed: what a subscriber throws travels up to whoever emitted.
 *
 * RxJS catches a subscriber's exception and throws it again in a later macrotask. In a simulation that would let the
 * run go on after a driver broke, so subscriptions to a hot stream, and to what is piped from it, deliver directly.
 */
class DirectObservable<T> extends Observable<T> {
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new DirectObservable<R>();
    lifted.source = this;
    if (operator !== undefined) lifted.operator = operator;
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    const subscriber =
      observerOrNext instanceof Subscriber ? observerOrNext : direct<T>(observerOrNext, error, complete);
    return super.subscribe(subscriber);
  }
}

function direct<T>(
  observerOrNext: Partial<Observer<T>> | ((value: T) => void) | null | undefined,
  error: ((error: unknown) => void) | null | undefined,
  complete: (() => void) | null | undefined,
): DirectSubscriber<T> {
  if (typeof observerOrNext === 'object' && observerOrNext !== null) {
    const observer = observerOrNext;
    return new DirectSubscriber<T>(
      (value) => observer.next?.(value),
      observer.error === undefined ? keepUncaught : (cause) => observer.error?.(cause),
      () => observer.complete?.(),
    );
  }
  return new DirectSubscriber<T>(observerOrNext ?? ignore, error ?? keepUncaught, complete ?? ignore);
}

function ignore(): void {
  // Nobody asked to be told.
}

class DirectSubscriber<T> extends Subscriber<T> {
  constructor(
    readonly deliver: (value: T) => void,
    error: (cause: unknown) => void,
    complete: () => void,
  ) {
    super();
    this.destination = { next: deliver, error, complete };
  }
}

/**
 * A stream that emits synchronously, in subscription order, at the cost of a function call per subscriber.
 *
 * Subscribe and pipe it as any Observable. A subscriber added during an emission sees the next one first; one removed
 * during an emission sees nothing more. What a subscriber throws comes out of `emit`.
 */
export class HotStream<T> extends DirectObservable<T> {
  private sinks: readonly Sink<T>[] = [];
  private closed = false;

  constructor() {
    super((subscriber: Subscriber<T>) => this.attach(subscriber));
  }

  /** True if anybody would see an emission: lets a producer skip the making of the value. */
  get observed(): boolean {
    return this.sinks.length > 0;
  }

  emit(value: T): void {
    const { sinks } = this;
    for (let i = 0; i < sinks.length; i++) sinks[i](value);
    throwUncaught();
  }

  /** Completes every subscription; later ones complete at once. */
  complete(): void {
    this.closed = true;
    const { sinks } = this;
    this.sinks = [];
    for (const sink of sinks) sink.subscriber.complete();
  }

  private attach(subscriber: Subscriber<T>): Subscription {
    if (this.closed) {
      subscriber.complete();
      return Subscription.EMPTY;
    }
    const sink = sinkOf(subscriber);
    // A new array for every change: an emission under way keeps iterating over the one it began with.
    this.sinks = [...this.sinks, sink];
    return new Subscription(() => {
      this.sinks = this.sinks.filter((other) => other !== sink);
    });
  }
}

/** What an emission calls: a bare function, because a call through two layers of Subscriber costs three times that. */
interface Sink<T> {
  (value: T): void;
  readonly subscriber: Subscriber<T>;
}

function sinkOf<T>(subscriber: Subscriber<T>): Sink<T> {
  if (subscriber instanceof DirectSubscriber) {
    const { deliver } = subscriber as DirectSubscriber<T>;
    return Object.assign(
      (value: T): void => {
        if (!subscriber.closed) deliver(value);
      },
      { subscriber },
    );
  }
  return Object.assign(
    (value: T): void => {
      subscriber.next(value);
    },
    { subscriber },
  );
}
