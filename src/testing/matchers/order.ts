import { Span } from '../span.js';
import type { TracedEvent } from '../traced-event.js';
import { windowOf, type Mark } from '../window.js';
import { happeningOf, hint, message, nameOf, sameTrace, spanOf, type MatcherState, type Verdict } from './verdict.js';

/** `expect(a).toHappenBefore(b)`: a, all of it if it is a span, comes before b, which is before b has begun. */
export function toHappenBefore(this: MatcherState, received: unknown, other: unknown): Verdict {
  const a = happeningOf(received, 'toHappenBefore');
  const b = happeningOf(other, 'toHappenBefore');
  const last = a instanceof Span ? a.end : a;
  const first = b instanceof Span ? b.start : b;
  sameTrace('toHappenBefore', last, first);
  const pass = last.seq < first.seq;
  const said = hint(this, nameOf(a), 'toHappenBefore', nameOf(b));
  const what =
    last === first ? 'Both are one event.' : `The first ${pass ? 'comes before' : 'comes after'} the second.`;
  return { pass, message: message(said, what, () => window([...marksOf(a, 'first'), ...marksOf(b, 'second')])) };
}

/** `expect(outer).toEnclose(inner)`: it has begun before the other begins, and ends after it has ended. */
export function toEnclose(this: MatcherState, received: unknown, other: unknown): Verdict {
  const outer = spanOf(received, 'toEnclose');
  return enclosing(hint(this, nameOf(outer), 'toEnclose', 'inner'), outer, happeningOf(other, 'toEnclose'));
}

/** `expect(inner).toNestIn(outer)`: toEnclose, said of the inner one, which may be an event. */
export function toNestIn(this: MatcherState, received: unknown, other: unknown): Verdict {
  const inner = happeningOf(received, 'toNestIn');
  const outer = spanOf(other, 'toNestIn');
  return enclosing(hint(this, nameOf(inner), 'toNestIn', nameOf(outer)), outer, inner);
}

/** `expect(a).toOverlap(b)`: there is a time at which both have begun and neither has ended. */
export function toOverlap(this: MatcherState, received: unknown, other: unknown): Verdict {
  const a = spanOf(received, 'toOverlap');
  const b = spanOf(other, 'toOverlap');
  sameTrace('toOverlap', a.start, b.start);
  const pass = a.start.seq < b.end.seq && b.start.seq < a.end.seq;
  const said = hint(this, nameOf(a), 'toOverlap', nameOf(b));
  const what = pass ? 'Each begins before the other has ended.' : 'One has ended when the other begins.';
  return { pass, message: message(said, what, () => window([...marksOf(a, 'first'), ...marksOf(b, 'second')])) };
}

function enclosing(said: string, outer: Span, inner: TracedEvent | Span): Verdict {
  const [first, last] = inner instanceof Span ? [inner.start, inner.end] : [inner, inner];
  sameTrace('toEnclose', outer.start, first);
  const [late, early] = [first.seq <= outer.start.seq, last.seq >= outer.end.seq];
  const what = late
    ? 'The outer one begins too late.'
    : early
      ? 'The outer one ends too early.'
      : 'The outer one begins before and ends after.';
  const marks = [...marksOf(outer, 'outer'), ...marksOf(inner, 'inner')];
  return { pass: !late && !early, message: message(said, what, () => window(marks)) };
}

/** The events of which a happening consists, for the margin. */
function marksOf(happening: TracedEvent | Span, label: string): Mark[] {
  if (!(happening instanceof Span)) return [{ event: happening, label }];
  return [
    { event: happening.start, label },
    { event: happening.end, label },
  ];
}

/** The part of the whole trace around marks. */
function window(marks: readonly Mark[]): string {
  const [first, last] = [Math.min, Math.max].map((pick) => pick(...marks.map(({ event }) => event.seq)));
  const { events } = marks[0].event.recorder;
  return windowOf(events.slice(Math.max(0, first - 1), last + 2), marks);
}
