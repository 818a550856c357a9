import { PAGE_SIZE } from '../../base/index.js';
import { ULONG_MAX } from '../../../notifiers/index.js';
import { ACCESSES } from '../event-names.js';
import { NotifierSpan, Span } from '../span.js';
import { TraceError, counted } from '../trace-error.js';
import type { TraceView } from '../trace-view.js';
import { TracedEvent } from '../traced-event.js';
import { pagesHeldAt } from '../translations.js';
import { whereWords, type EventWhere } from '../where.js';
import { windowOf, type Mark } from '../window.js';
import { accessesOf } from './access.js';
import { AskedOverSchedules } from './nothing-to-ask.js';
import { happeningOf, hint, message, sameTrace, viewOf, wrong, type MatcherState, type Verdict } from './verdict.js';

/**
 * `expect(trace.page(p)).toInvalidateBefore(event)`: the kernel has announced an invalidation there, and the start has
 * returned. Of a device, `expect(trace.page(p).device('server')).toInvalidateBefore(event)`: it had translations there,
 * and has none left.
 */
export function toInvalidateBefore(
  this: MatcherState,
  received: unknown,
  point: unknown,
  where: EventWhere = {},
): Verdict {
  const view = viewOf(received, 'toInvalidateBefore');
  const event = pointOf(point, 'toInvalidateBefore');
  if (event.recorder !== view.recorder) throw new TraceError('toInvalidateBefore: the event is of another trace');
  if (view.scope.device !== null && Object.keys(where).length > 0) {
    throw new TraceError(
      `toInvalidateBefore: of a device no invalidation is chosen (${Object.keys(where).join(', ')}): it must have no ` +
        'translation left, whatever it was told',
    );
  }
  const said = hint(this, view.title, 'toInvalidateBefore', event.name);
  return view.scope.device === null ? byKernel(said, view, event, where) : byDevice(this, said, view, event);
}

/**
 * `expect(range).toBeDrainedBefore(event)`: when the event happens, no driver holds the range any more, and no access to it
 * that was issued before its start returned is in flight. `expect(trace.page(p)).toBeDrainedBefore(event)`: no access is
 * in flight there.
 */
export function toBeDrainedBefore(this: MatcherState, received: unknown, point: unknown): Verdict {
  const event = pointOf(point, 'toBeDrainedBefore');
  if (received instanceof NotifierSpan) return rangeDrained(this, received, event);
  if (received instanceof Span || received instanceof TracedEvent) {
    throw wrong('toBeDrainedBefore', 'is asked of an invalidation or of a part of a trace', received);
  }
  const view = viewOf(received, 'toBeDrainedBefore');
  if (event.recorder !== view.recorder) throw new TraceError('toBeDrainedBefore: the event is of another trace');
  const before = accessesOf(view, ACCESSES, 'toBeDrainedBefore').filter(({ seq }) => seq < event.seq);
  const said = hint(this, view.title, 'toBeDrainedBefore', event.name);
  if (before.length === 0) {
    const why = `${view.title} had no access before ${event.name}: there was nothing to drain`;
    return AskedOverSchedules.nothing(this, said, `toBeDrainedBefore: ${why}`);
  }
  AskedOverSchedules.asked(said);
  const flying = view.recorder.inFlightAt(event).filter((access) => before.includes(access));
  return drained(said, view, event, flying, before);
}

function byKernel(said: string, view: TraceView, point: TracedEvent, where: EventWhere): Verdict {
  const ranges = view.ranges(where);
  const returned = ranges.filter((range) => !range.refused && range.hasReturned && range.returned.seq < point.seq);
  const marks: Mark[] = [{ event: point, label: 'this' }];
  if (returned.length > 0) {
    const range = returned[returned.length - 1];
    marks.push({ event: range.start, label: 'start' }, { event: range.returned, label: 'returned' });
  } else {
    for (const range of ranges.slice(0, 1)) {
      marks.push({ event: range.start, label: 'start' });
      if (range.hasReturned) marks.push({ event: range.answer, label: 'returned' });
    }
  }
  const pass = returned.length > 0;
  const what = pass
    ? 'The start of an invalidation had returned by then.'
    : ranges.length === 0
      ? `There is no invalidation${whereWords(where)} here at all.`
      : 'The start of no invalidation had returned by then.';
  return { pass, message: message(said, what, () => windowOf(around(view, marks), marks)) };
}

function byDevice(state: MatcherState, said: string, view: TraceView, point: TracedEvent): Verdict {
  const { had, held } = pagesHeldAt(view, point);
  if (had.length === 0) {
    const why = `${view.title} had no translation before ${point.name}: there was nothing to invalidate`;
    return AskedOverSchedules.nothing(state, said, `toInvalidateBefore: ${why}`);
  }
  AskedOverSchedules.asked(said);
  const shown = held.length > 0 ? held : had;
  const marks: Mark[] = [
    ...shown.flatMap(({ installed, removed }) => [
      ...(installed === null ? [] : [{ event: installed, label: 'has' }]),
      ...(removed === null ? [] : [{ event: removed, label: 'let go' }]),
    ]),
    { event: point, label: 'this' },
  ];
  const pass = held.length === 0;
  const what = pass
    ? `It had let go of ${had.length === 1 ? 'its translation' : `all of its ${String(had.length)} translations`} by then.`
    : `It still had ${counted(held.length, 'translation')} then.`;
  return { pass, message: message(said, what, () => windowOf(around(view, marks), marks)) };
}

function rangeDrained(state: MatcherState, span: NotifierSpan, point: TracedEvent): Verdict {
  sameTrace('toBeDrainedBefore', span.start, point);
  const { range, start } = span;
  const said = hint(state, span.name, 'toBeDrainedBefore', point.name);
  if (point.seq <= start.seq) {
    throw new TraceError(`toBeDrainedBefore: ${point.name} comes before the start of ${span.toString()}`);
  }
  const { recorder } = point;
  if (recorder.devices.length === 0) {
    throw new TraceError('toBeDrainedBefore: no device is watched, so no access is seen: trace.watch(observeNic(nic))');
  }
  const issuedBefore = span.hasReturned ? span.answer.seq : point.seq;
  const before = recorder.events.filter(
    (event) =>
      ACCESSES.includes(event.name) &&
      event.mm?.id === range.mm.id &&
      event.seq < Math.min(issuedBefore, point.seq) &&
      event.start < range.end &&
      range.start < event.end,
  );
  if (before.length === 0) {
    const where =
      range.end >= ULONG_MAX ? range.mm.name : `its ${counted((range.end - range.start) / PAGE_SIZE, 'page')}`;
    const why = `no device had an access to ${where} before, of ${span.toString()}: there was nothing to drain`;
    return AskedOverSchedules.nothing(state, said, `toBeDrainedBefore: ${why}`);
  }
  AskedOverSchedules.asked(said);
  const flying = recorder.inFlightAt(point).filter((access) => before.includes(access));
  const holds = span.holds.filter((hold) => !hold.hasEnded || hold.end.seq > point.seq);
  const marks: Mark[] = [
    { event: start, label: 'start' },
    ...holds.map((hold) => ({ event: hold.start, label: 'held' })),
    ...flying.map((event) => ({ event, label: 'in flight' })),
    { event: point, label: 'this' },
  ];
  if (flying.length === 0) marks.unshift({ event: before[before.length - 1], label: 'last access' });
  const pass = flying.length === 0 && holds.length === 0;
  const found = [
    ...holds.map((hold) => `"${hold.start.driver ?? ''}" still holds it`),
    ...(flying.length === 0
      ? []
      : [`${counted(flying.length, 'access')} to it ${flying.length === 1 ? 'is' : 'are'} in flight`]),
  ];
  const what = pass ? 'By then nobody held it, and no access to it was in flight.' : `Then ${found.join(', and ')}.`;
  return { pass, message: message(said, what, () => windowOf(ofSpan(span), marks)) };
}

function drained(
  said: string,
  view: TraceView,
  point: TracedEvent,
  flying: readonly TracedEvent[],
  before: readonly TracedEvent[],
): Verdict {
  const pass = flying.length === 0;
  const marks: Mark[] = [
    ...(pass ? [{ event: before[before.length - 1], label: 'last access' }] : []),
    ...flying.map((event) => ({ event, label: 'in flight' })),
    { event: point, label: 'this' },
  ];
  const what = pass
    ? 'By then no access was in flight.'
    : `${counted(flying.length, 'access')} ${flying.length === 1 ? 'is' : 'are'} in flight then.`;
  return { pass, message: message(said, what, () => windowOf(around(view, marks), marks)) };
}

/** An event; of a span, its start. */
function pointOf(value: unknown, matcher: string): TracedEvent {
  const happening = happeningOf(value, matcher);
  return happening instanceof Span ? happening.start : happening;
}

/** The events of a view from the first mark to the last. */
function around(view: TraceView, marks: readonly Mark[]): TracedEvent[] {
  const [first, last] = [Math.min, Math.max].map((pick) => pick(...marks.map(({ event }) => event.seq)));
  return view.events().filter(({ seq }) => seq >= first && seq <= last);
}

/** What belongs to an invalidation. */
function ofSpan({ range, start }: NotifierSpan): TracedEvent[] {
  return start.recorder.events.filter((event) => event.range === range);
}
