import { ACCESSES } from '../event-names.js';
import type { TraceView } from '../trace-view.js';
import { TraceError, counted } from '../trace-error.js';
import type { TracedEvent } from '../traced-event.js';
import { windowOf } from '../window.js';
import { AskedOverSchedules } from './nothing-to-ask.js';
import { eventOf, hint, message, sameTrace, viewOf, type MatcherState, type Verdict } from './verdict.js';

const WRITES: readonly string[] = ['device_write'];

/**
 * `expect(trace.page(p)).toHaveNoAccessBetween(a, b)`: no watched device reads or writes there between the two events, and
 * nothing that was issued before is still in flight at the first.
 */
export function toHaveNoAccessBetween(this: MatcherState, received: unknown, a: unknown, b: unknown): Verdict {
  return noneBetween(this, 'toHaveNoAccessBetween', ACCESSES, received, a, b);
}

/** As toHaveNoAccessBetween, of writes only: what must be stable, as under writeback, may be read. */
export function toHaveNoWriteBetween(this: MatcherState, received: unknown, a: unknown, b: unknown): Verdict {
  return noneBetween(this, 'toHaveNoWriteBetween', WRITES, received, a, b);
}

function noneBetween(
  state: MatcherState,
  matcher: string,
  kinds: readonly string[],
  received: unknown,
  first: unknown,
  last: unknown,
): Verdict {
  const view = viewOf(received, matcher);
  const [from, to] = [eventOf(first, matcher), eventOf(last, matcher)];
  sameTrace(matcher, from, to);
  if (from.recorder !== view.recorder) throw new TraceError(`${matcher}: the events are of another trace`);
  if (from.seq >= to.seq) {
    const window = windowOf(view.recorder.events.slice(to.seq, from.seq + 1), [
      { event: from, label: 'from' },
      { event: to, label: 'to' },
    ]);
    throw new TraceError(`${matcher}: nothing is between the two events, as the second comes first\n\n${window}`);
  }
  const said = hint(state, view.title, matcher, from.name, to.name);
  const accesses = accessesOf(view, kinds, matcher);
  if (accesses.length === 0) {
    const names = view.recorder.devices.map(({ device }) => device.name).join(', ');
    const what = `${names} had no ${kinds === WRITES ? 'write' : 'access'} to this ${view.always.title} at all`;
    return AskedOverSchedules.nothing(state, said, `${matcher}: ${what}, so this would hold anyway`);
  }
  AskedOverSchedules.asked(said);
  const between = accesses.filter(({ seq }) => from.seq < seq && seq < to.seq);
  const flying = view.recorder.inFlightAt(from).filter((event) => accesses.includes(event));
  const marks = [
    ...flying.map((event) => ({ event, label: 'in flight' })),
    { event: from, label: 'from' },
    ...between.map((event) => ({ event, label: 'access' })),
    { event: to, label: 'to' },
  ];
  const pass = between.length === 0 && flying.length === 0;
  const found = [
    flying.length > 0 ? `${counted(flying.length, 'access')} issued before and still in flight` : '',
    between.length > 0 ? `${counted(between.length, 'access')} issued between the two` : '',
  ].filter((part) => part !== '');
  const none = `No ${kinds === WRITES ? 'write' : 'access'} was issued between the two, and none was in flight at the first.`;
  const what = pass ? none : `There is ${found.join(', and ')}.`;
  const earliest = Math.min(...marks.map(({ event }) => event.seq));
  const shown = (): TracedEvent[] => view.events().filter(({ seq }) => seq >= earliest - 1 && seq <= to.seq + 1);
  return { pass, message: message(said, what, () => windowOf(shown(), marks)) };
}

/** All accesses of what a view is of, whenever they were. @throws TraceError if no device is watched */
export function accessesOf(view: TraceView, kinds: readonly string[], matcher: string): TracedEvent[] {
  const { devices } = view.recorder;
  if (devices.length === 0) {
    throw new TraceError(`${matcher}: no device is watched, so no access is seen: trace.watch(observeNic(nic))`);
  }
  return view.always.events().filter(({ name }) => kinds.includes(name));
}
