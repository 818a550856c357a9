import { SPANS, type SpanName } from './span-names.js';
import { NotifierSpan, Span } from './span.js';
import type { TracedEvent } from './traced-event.js';

/** All spans of a name among events, in the order in which they begin. */
export function spansOf(events: readonly TracedEvent[], name: SpanName): Span[] {
  const [first, last] = SPANS[name];
  const found: { readonly start: TracedEvent; end: TracedEvent | null }[] = [];
  /** By their keys, those that have not ended. What is nested ends first. */
  const open = new Map<unknown, { readonly start: TracedEvent; end: TracedEvent | null }[]>();
  for (const event of events) {
    if (event.name === first) {
      const span = { start: event, end: null };
      found.push(span);
      const others = open.get(event.key);
      if (others === undefined) open.set(event.key, [span]);
      else others.push(span);
    } else if (event.name === last) {
      const span = open.get(event.key)?.pop();
      if (span !== undefined) span.end = event;
    }
  }
  return found.map(({ start, end }) => new Span(name, start, end));
}

/** All invalidations among events, in the order in which they start. */
export function notifierSpansOf(events: readonly TracedEvent[]): NotifierSpan[] {
  const parts = new Map<unknown, TracedEvent[]>();
  for (const event of events) {
    if (event.range === null) continue;
    const others = parts.get(event.range);
    if (others === undefined) parts.set(event.range, [event]);
    else others.push(event);
  }
  const spans: NotifierSpan[] = [];
  for (const part of parts.values()) {
    const [start] = part;
    const { range } = start;
    // Of one that was under way when the trace began, only the end is known.
    if (range === null || !isStart(start)) continue;
    const returned = part.find(({ name }) => name.endsWith(' returns'));
    const end = part.find(({ name }) => name === 'mmu_notifier_invalidate_range_end');
    spans.push(new NotifierSpan(range, start, returned ?? null, end ?? null, spansOf(part, 'hold')));
  }
  return spans;
}

function isStart({ name }: TracedEvent): boolean {
  return name === 'mmu_notifier_invalidate_range_start' || name === 'mmu_notifier_invalidate_range_start_nonblock';
}
