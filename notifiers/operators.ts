import { Observable, filter, mergeMap, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs';
import type { MmuNotifierEvent } from './events.js';
import type { InvalidateRange, MmRef } from './invalidate-range.js';

/** Only ranges that share at least one byte with [start, end). */
export function overlapping(start: number, end: number): MonoTypeOperatorFunction<InvalidateRange> {
  return filter((range) => range.overlaps(start, end));
}

/** Only ranges of one of these events. */
export function ofEvent(...events: readonly MmuNotifierEvent[]): MonoTypeOperatorFunction<InvalidateRange> {
  return filter((range) => events.includes(range.event));
}

/** Only ranges of that address space. */
export function ofMm(mm: MmRef): MonoTypeOperatorFunction<InvalidateRange> {
  return filter((range) => range.mm.id === mm.id);
}

/** A range whose end has been announced. */
export type InvalidateSpan = InvalidateRange & { readonly endedAt: number };

/**
 * Joins each start with its end: emits the range when its end is announced, with `startedAt`, `quiescedAt` and `endedAt`
 * filled in; so in the order of ends. Ranges that were refused have no end and do not appear.
 */
export function spans(): OperatorFunction<InvalidateRange, InvalidateSpan> {
  return mergeMap(
    (range) =>
      new Observable<InvalidateSpan>((subscriber) => {
        range.onEnd((ended) => {
          subscriber.next(ended);
          subscriber.complete();
        });
      }),
  );
}
