import type {} from 'expect';
import type { RuleId, Stage } from '../check/index.js';
import type { ScheduleOptions } from './matchers/schedules.js';
import type { Run } from './matchers/rules.js';
import type { MarbleOptions } from './marbles/marble-options.js';
import type { NotifierStream } from './notifier-stream.js';
import type { NotifierSpan, Span } from './span.js';
import type { WatchedTrace } from './trace-of.js';
import type { TraceView } from './trace-view.js';
import type { TracedEvent } from './traced-event.js';
import type { EventWhere } from './where.js';

/** An event, or something that begins and ends. */
type Happening = TracedEvent | Span;

/** A matcher for values of one type: of others it cannot be asked. */
type For<T, Subject, Matcher> = T extends Subject ? Matcher : never;

/** The matchers of the kit. Each has its `.not`. */
export interface TraceMatchers<R, T> {
  /** It comes before the other: all of it, before the other has begun. */
  toHappenBefore: For<T, Happening, (other: Happening) => R>;
  /** It has begun before the other begins, and ends after it has ended. */
  toEnclose: For<T, Span, (inner: Happening) => R>;
  /** The other encloses it. */
  toNestIn: For<T, Happening, (outer: Span) => R>;
  /** There is a time at which both have begun and neither has ended. */
  toOverlap: For<T, Span, (other: Span) => R>;
  /** No access of a watched device is issued there between the two events, and none is in flight at the first. */
  toHaveNoAccessBetween: For<T, TraceView, (from: TracedEvent, to: TracedEvent) => R>;
  /** As toHaveNoAccessBetween, of writes. */
  toHaveNoWriteBetween: For<T, TraceView, (from: TracedEvent, to: TracedEvent) => R>;
  /**
   * The start of an invalidation there has returned before the event. Of a device's part of a trace: it had translations
   * there before the event, and has none at it.
   */
  toInvalidateBefore: For<T, TraceView, (point: Happening, where?: EventWhere) => R>;
  /** At the event no access there is in flight that was issued before the invalidation's start returned, and nobody holds it. */
  toBeDrainedBefore: For<T, NotifierSpan | TraceView, (point: Happening) => R>;
  /** The invalidations come as the diagram says: `'--(S1 E1)--S2--E2|'`. */
  toMatchMarbles: For<T, NotifierStream, (diagram: string, options: MarbleOptions) => R>;
  /** No rule of docs/rules.md is broken while that runs. */
  toKeepTheRules: For<T, WatchedTrace, (run: Run) => R>;
  /** That rule is the first to be broken while that runs. */
  toBreakRule: For<T, WatchedTrace, (rule: RuleId, run: Run) => R>;
  /** The scenario fails in no schedule, and every schedule has been covered. */
  toHoldInEverySchedule: For<T, (stage: Stage) => unknown, (options?: ScheduleOptions) => R>;
}

/* eslint-disable @typescript-eslint/no-namespace, @typescript-eslint/no-empty-object-type --
   an augmentation is written as what it augments: the `jest` namespace for the global expect, `expect` for @jest/globals */
declare global {
  namespace jest {
    interface Matchers<R, T> extends TraceMatchers<R, T> {}
  }
}

declare module 'expect' {
  interface Matchers<R, T> extends TraceMatchers<R, T> {}
}
