import { PAGE_SIZE, hex, pageOf } from '../../base/index.js';
import type { NotifierSpan } from '../span.js';
import type { TracedEvent } from '../traced-event.js';
import type { RangePattern } from './marble-options.js';
import type { Marble } from './parse-marbles.js';

/** What happened to an invalidation, as a marble would say it. */
export interface RangeEvent {
  readonly event: TracedEvent;
  readonly letter: Marble['letter'];
  readonly span: NotifierSpan;
  /** Which invalidation of the stream it is, from 1 on. */
  readonly number: number;
}

/** What happened to invalidations, in order. @param returns whether the returns of starts count */
export function rangeEvents(ranges: readonly NotifierSpan[], returns: boolean): RangeEvent[] {
  const events: RangeEvent[] = [];
  ranges.forEach((span, i) => {
    const of = { span, number: i + 1 };
    events.push({ ...of, letter: 'S', event: span.start });
    if (span.hasReturned && (returns || span.refused)) {
      events.push({ ...of, letter: span.refused ? 'X' : 'R', event: span.answer });
    }
    if (span.hasEnded) events.push({ ...of, letter: 'E', event: span.end });
  });
  return events.sort((a, b) => a.event.seq - b.event.seq);
}

/** What of an invalidation is not as its pattern says; null if all is. */
export function unlike({ range }: NotifierSpan, pattern: RangePattern): string | null {
  const { event, start, end, page, mm, blockable } = pattern;
  if (event !== undefined && event !== range.event) return `MMU_NOTIFY_${range.event}, not MMU_NOTIFY_${event}`;
  if (start !== undefined && start !== range.start) return `from ${hex(range.start)} on, not from ${hex(start)}`;
  if (end !== undefined && end !== range.end) return `up to ${hex(range.end)}, not up to ${hex(end)}`;
  if (mm !== undefined && mm !== range.mm.name) return `of ${range.mm.name}, not of ${mm}`;
  if (blockable !== undefined && blockable !== range.blockable) {
    return range.blockable ? 'blockable' : 'non-blockable';
  }
  const first = page === undefined ? 0 : pageOf(page) * PAGE_SIZE;
  if (page !== undefined && !range.overlaps(first, first + PAGE_SIZE)) {
    return `[${hex(range.start)}, ${hex(range.end)}), without page ${hex(first)}`;
  }
  return null;
}
