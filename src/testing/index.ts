/**
 * Floor 8. The kit for people who test ordering with Jest: a trace to assert on, and matchers that read aloud.
 *
 *     const trace = traceOf(world).watch(observeNic(nic));
 *     … run …
 *     const range = trace.page(address).range({ event: 'PROTECTION_PAGE' });
 *     expect(trace.page(address)).toHaveNoAccessBetween(range.returned, range.end);
 *
 * A trace believes no driver: it records what the kernel announces and does, and what devices do. The kit imports no Jest:
 * it extends the `expect` that it finds, or is given. Nothing that a run needs lives here.
 */
import 'reflect-metadata';

export { explore, type ExploreOptions, type SavedSchedule, type Scenario, type Stage } from '../check/index.js';
export { connectedNics, type ConnectedNics, type ConnectedNicsOptions } from './connected-nics.js';
export { describeDriver, type DescribeDriverOptions, type TestFramework } from './describe-driver.js';
export { extendExpect, type ExpectToExtend } from './extend-expect.js';
export type { TraceMatchers } from './jest-types.js';
export type { ScheduleOptions } from './matchers/schedules.js';
export type { MarbleOptions, RangeMarble, RangePattern } from './marbles/marble-options.js';
export type { NotifierStream } from './notifier-stream.js';
export type { NotifierSpan, Span } from './span.js';
export type { SpanName } from './span-names.js';
export { TraceError } from './trace-error.js';
export type { TraceView } from './trace-view.js';
export { traceOf, type TraceOptions, type TraceSource, type WatchedTrace } from './trace-of.js';
export { EVENT_NAMES, type EventName, type KnownEventName } from './event-names.js';
export type { TracedEvent } from './traced-event.js';
export type { EventWhere } from './where.js';
