import { drawMarbles } from '../marbles/draw-marbles.js';
import type { MarbleOptions, RangePattern } from '../marbles/marble-options.js';
import { parseMarbles, type Diagram, type Marble } from '../marbles/parse-marbles.js';
import { rangeEvents, unlike, type RangeEvent } from '../marbles/range-events.js';
import { NotifierStream } from '../notifier-stream.js';
import { TraceError } from '../trace-error.js';
import { timeOf } from '../traced-event.js';
import { windowOf, type Mark } from '../window.js';
import { hint, message, wrong, type MatcherState, type Verdict } from './verdict.js';

const MARBLE = /^[SREX](\d+)$/;

/**
 * `expect(trace.notifier()).toMatchMarbles('--(S1 E1)--S2--E2|', { frame: 1 * US, S1: { event: 'CLEAR' } })`: the
 * invalidations start, return, end and are refused in these frames. Returns count if the diagram has any. Without `|` it says how the
 * stream begins, up to its last marble.
 */
export function toMatchMarbles(
  this: MatcherState,
  received: unknown,
  diagram: string,
  options: MarbleOptions,
): Verdict {
  if (!(received instanceof NotifierStream)) {
    throw wrong('toMatchMarbles', 'is asked of a stream of invalidations: trace.notifier()', received);
  }
  const { frame } = options;
  const from = options.from ?? received.from;
  const wanted = parseMarbles(diagram, frame);
  const patterns = patternsOf(options, wanted, diagram);
  const all = rangeEvents(
    received.ranges,
    wanted.marbles.some(({ letter }) => letter === 'R'),
  );
  const difference = firstDifference(wanted, all, { from, frame, patterns });
  const said = hint(this, received.toString(), 'toMatchMarbles', `'${diagram}'`);
  const both = (): string => `expected  ${diagram}\nreceived  ${drawMarbles(all, from, frame)}`;
  const what = difference === null ? 'That is what happened.' : difference.why;
  const marks = marksAt(all, difference?.index ?? 0, difference === null ? 'first' : 'here');
  const events = all.map(({ event }) => event);
  const window = (): string => (marks.length === 0 ? '' : windowOf(events, marks));
  return { pass: difference === null, message: message(said, both, what, window) };
}

interface Reading {
  readonly from: number;
  readonly frame: number;
  /** By the number of the marble. */
  readonly patterns: ReadonlyMap<number, RangePattern>;
}

/** Where a stream is not as a diagram says: the event's place in the stream, and why. */
interface Difference {
  readonly index: number;
  readonly why: string;
}

function firstDifference(wanted: Diagram, all: readonly RangeEvent[], reading: Reading): Difference | null {
  /** Which invalidation a number of the diagram means, by its own number. */
  const meant = new Map<number, number>();
  for (const [index, marble] of wanted.marbles.entries()) {
    if (index === all.length) {
      return {
        index,
        why: `${nameOf(marble)} is expected in ${frameOf(marble.at, reading)}, and nothing more happens.`,
      };
    }
    const why = unlikeMarble(marble, all[index], meant, reading);
    if (why !== null) return { index, why };
  }
  const index = wanted.marbles.length;
  if (!wanted.completes || index === all.length) return null;
  return { index, why: `Nothing is expected any more, and ${what(all[index])} in ${inFrame(all[index], reading)}.` };
}

function unlikeMarble(marble: Marble, actual: RangeEvent, meant: Map<number, number>, reading: Reading): string | null {
  const { from, frame, patterns } = reading;
  const name = nameOf(marble);
  const expected = Math.floor(marble.at / frame);
  const here = Math.floor((actual.event.time - from) / frame);
  if (marble.letter !== actual.letter) {
    return `${name} is expected in ${frameOf(marble.at, reading)}, and ${what(actual)} in ${inFrame(actual, reading)}.`;
  }
  if (expected !== here) {
    return `${name} is expected in ${frameOf(marble.at, reading)}, and happens in ${inFrame(actual, reading)}.`;
  }
  const other = meant.get(marble.number);
  if (other === undefined && ![...meant.values()].includes(actual.number)) meant.set(marble.number, actual.number);
  else if (other !== actual.number) return `${name} is of another invalidation than the marbles before it say.`;
  const pattern = patterns.get(marble.number);
  const why = pattern === undefined ? null : unlike(actual.span, pattern);
  return why === null ? null : `${name} is ${why}.`;
}

/** Patterns by numbers. @throws TraceError for a marble that is not in the diagram */
function patternsOf(options: MarbleOptions, { marbles }: Diagram, diagram: string): Map<number, RangePattern> {
  const patterns = new Map<number, RangePattern>();
  for (const [key, pattern] of Object.entries(options) as [string, unknown][]) {
    if (key === 'frame' || key === 'from') continue;
    const number = Number(MARBLE.exec(key)?.[1]);
    if (!marbles.some((marble) => marble.number === number)) {
      throw new TraceError(`toMatchMarbles: "${key}" is no marble of '${diagram}'`);
    }
    patterns.set(number, { ...patterns.get(number), ...(pattern as RangePattern) });
  }
  return patterns;
}

function nameOf({ letter, number }: Marble): string {
  return `${letter}${String(number)}`;
}

const WHAT = { S: 'an invalidation starts', R: 'a start returns', E: 'an invalidation ends', X: 'a start is refused' };

function what({ letter }: RangeEvent): string {
  return WHAT[letter];
}

function inFrame({ event }: RangeEvent, reading: Reading): string {
  return frameOf(event.time - reading.from, reading);
}

/** `frame 3 (3.250 us)` */
function frameOf(ns: number, { frame }: Reading): string {
  return `frame ${String(Math.floor(ns / frame))} (${timeOf(ns)})`;
}

function marksAt(all: readonly RangeEvent[], index: number, label: string): Mark[] {
  const at = all.at(Math.min(index, all.length - 1));
  return at === undefined ? [] : [{ event: at.event, label: index < all.length ? label : 'last' }];
}
