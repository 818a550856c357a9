import { SAYS, type Happening, type RuleId, type Violation } from '../../check/index.js';
import { TraceError } from '../trace-error.js';
import { WatchedTrace } from '../trace-of.js';
import { windowOf, type Mark } from '../window.js';
import type { TracedEvent } from '../traced-event.js';
import { hint, message, wrong, type MatcherState, type Verdict } from './verdict.js';

/** Events before what contradicts a rule that are shown with it. */
const SHOWN = 2;

/** What is run under the rules. */
export type Run = () => unknown;

/**
 * `expect(trace).toKeepTheRules(() => simulation.run())`: while that runs, no rule of docs/rules.md is broken, and
 * afterwards no invalidation is left without an end. What else the run throws comes out as it is.
 */
export function toKeepTheRules(this: MatcherState, received: unknown, run: unknown): Verdict {
  const trace = ruled(received, run, 'toKeepTheRules');
  const violation = violationOf(trace, run as Run);
  const said = hint(this, 'trace', 'toKeepTheRules', 'run');
  if (violation !== null)
    return { pass: false, message: message(said, sentence(violation), () => where(trace, violation)) };
  return { pass: true, message: message(said, 'No rule was broken.') };
}

/** `expect(trace).toBreakRule('R1', () => simulation.run())`: for a driver that is wrong on purpose. */
export function toBreakRule(this: MatcherState, received: unknown, rule: RuleId, run: unknown): Verdict {
  const trace = ruled(received, run, 'toBreakRule');
  if (!Object.hasOwn(SAYS, rule)) {
    throw new TraceError(`toBreakRule: there is no rule ${rule}; there are ${Object.keys(SAYS).join(', ')}`);
  }
  const violation = violationOf(trace, run as Run);
  const said = hint(this, 'trace', 'toBreakRule', `'${rule}'`, 'run');
  if (violation === null) return { pass: false, message: message(said, `No rule was broken. ${rule}: ${SAYS[rule]}.`) };
  return { pass: violation.rule === rule, message: message(said, sentence(violation), () => where(trace, violation)) };
}

function ruled(received: unknown, run: unknown, matcher: string): WatchedTrace {
  if (!(received instanceof WatchedTrace)) throw wrong(matcher, 'is asked of a trace: traceOf(world)', received);
  if (received.rules === null) {
    throw new TraceError(`${matcher}: the rules did not watch: traceOf(world, { rules: true })`);
  }
  if (received.recorder.devices.length === 0) {
    throw new TraceError(`${matcher}: no device is watched: trace.watch(observeNic(nic))`);
  }
  if (typeof run !== 'function') throw wrong(matcher, 'needs what is to be run: () => simulation.run()', run);
  return received;
}

/** The rule that a run breaks; null if none. @throws what the run throws for another reason */
function violationOf({ rules }: WatchedTrace, run: Run): Violation | null {
  try {
    mustHaveRun(run());
    rules?.finish();
    return null;
  } catch (error) {
    const violation = rules?.explain(error) ?? null;
    if (violation === null) throw error;
    return violation;
  }
}

/** @throws TraceError for what nobody has run: a task that was made and not handed to a simulation, or a promise */
function mustHaveRun(result: unknown): void {
  const { next, then } = Object(result) as { readonly next?: unknown; readonly then?: unknown };
  if (typeof next !== 'function' && typeof then !== 'function') return;
  throw new TraceError('what is to be run was made and not run: () => simulation.runTask(name, task)');
}

function sentence({ rule, device, says, page, before, after }: Violation): string {
  const of = page === null ? '' : `\npage    0x${page.address.toString(16)} of ${page.mm}`;
  const first = before === null ? '' : `\nbefore  ${before.what}`;
  return `${rule} is broken by ${device}: ${says}${of}${first}\nthen    ${after.what}`;
}

/** What happened before, and the last before it broke: of the page, if it is about one. */
function where({ recorder }: WatchedTrace, violation: Violation): string {
  const { page, before, seed, schedule } = violation;
  const of = (event: TracedEvent): boolean =>
    page === null ||
    (event.mm?.name === page.mm && event.start <= page.address && page.address < event.end && event.end !== Infinity);
  const events = recorder.events.filter(of);
  const again = `seed ${String(seed)}, schedule ${schedule}`;
  const last = events.at(-1);
  if (last === undefined) return again;
  const first = before === null ? undefined : events.findLast((event) => isThat(event, before));
  const marks: Mark[] = [{ event: last, label: 'then' }];
  if (first !== undefined) marks.unshift({ event: first, label: 'before' });
  const from = first === undefined ? -SHOWN : Math.max(0, events.indexOf(first) - SHOWN);
  return `${windowOf(events.slice(from), marks, SHOWN)}\n\n${again}`;
}

/** Whether an event is what a violation names: the start of an invalidation, or its return. */
function isThat({ time, range, name }: TracedEvent, { time: when, what }: Happening): boolean {
  if (time !== when || range === null || !what.includes(range.name)) return false;
  const isReturn = name.endsWith(' returns');
  return what.endsWith('returned') ? isReturn : !isReturn && name.startsWith('mmu_notifier_invalidate_range_start');
}
