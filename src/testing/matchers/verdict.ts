import { Span } from '../span.js';
import { TraceError } from '../trace-error.js';
import { TraceView } from '../trace-view.js';
import { TracedEvent } from '../traced-event.js';

/** What a matcher answers to Jest. */
export interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
}

/** What a matcher knows of its call. */
export interface MatcherState {
  /** True after `.not`. */
  readonly isNot?: boolean;
}

/** The first line of a message: the assertion as it was written. */
export function hint({ isNot }: MatcherState, subject: string, matcher: string, ...args: readonly string[]): string {
  return `expect(${subject})${isNot === true ? '.not' : ''}.${matcher}(${args.join(', ')})`;
}

/**
 * A message: what was asserted, what is wrong with it, and the part of the trace that shows it. Most assertions hold, in
 * each of thousands of schedules: what takes time to say is only made when it is asked for.
 */
export function message(...parts: readonly (string | (() => string))[]): () => string {
  return () =>
    parts
      .map((part) => (typeof part === 'string' ? part : part()))
      .filter((part) => part !== '')
      .join('\n\n');
}

/** @throws TraceError if a matcher is asked of something else */
export function viewOf(received: unknown, matcher: string): TraceView {
  if (received instanceof TraceView) return received;
  throw wrong(matcher, 'is asked of a trace or a part of it: traceOf(world), trace.page(address)', received);
}

/** @throws TraceError if it is no event */
export function eventOf(value: unknown, matcher: string): TracedEvent {
  if (value instanceof TracedEvent) return value;
  throw wrong(matcher, 'needs an event: trace.first(name), range.start', value);
}

/** @throws TraceError if it is no span */
export function spanOf(value: unknown, matcher: string): Span {
  if (value instanceof Span) return value;
  throw wrong(matcher, 'needs a span: trace.range(…), trace.span(name)', value);
}

/** An event, or a span. @throws TraceError if it is neither */
export function happeningOf(value: unknown, matcher: string): TracedEvent | Span {
  if (value instanceof TracedEvent || value instanceof Span) return value;
  throw wrong(matcher, 'needs an event or a span: trace.first(name), trace.range(…)', value);
}

/** @throws TraceError always */
export function wrong(matcher: string, what: string, value: unknown): TraceError {
  const is = value instanceof Object ? `of ${value.constructor.name}` : String(value);
  return new TraceError(`${matcher} ${what}; this is ${is}`);
}

/** How messages name an event or a span. */
export function nameOf(happening: TracedEvent | Span): string {
  return happening.name;
}

/** @throws TraceError if the two are of different traces */
export function sameTrace(matcher: string, ...events: readonly TracedEvent[]): void {
  if (events.every(({ recorder }) => recorder === events[0].recorder)) return;
  throw new TraceError(`${matcher}: the events are of different traces, which have no order`);
}
