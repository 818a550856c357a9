import type { KnownEventName } from './event-names.js';

/** What begins and ends, by its name: the events with which it does. Invalidations are more than that: `trace.range`. */
export const SPANS = {
  /** An address space goes away, as its drivers are told. */
  release: ['mmu_notifier_release', 'mmu_notifier_release returns'],
  /** A driver keeps a range waiting. */
  hold: ['hold', 'hold released'],
  mm_fault: ['handle_mm_fault', 'handle_mm_fault returns'],
  folio_mkclean: ['folio_mkclean', 'folio_mkclean returns'],
  /** A folio is under writeback (PG_writeback). */
  writeback: ['folio_start_writeback', 'folio_end_writeback'],
  fsync: ['fsync', 'fsync returns'],
  /** A device waits for its driver. */
  device_fault: ['device_fault', 'device_fault ends'],
  /** A device has a page. */
  translation: ['device_map', 'device_unmap'],
} as const satisfies Record<string, readonly [first: KnownEventName, last: KnownEventName]>;

/** The name of what begins with one event and ends with another. */
export type SpanName = keyof typeof SPANS;
