/**
 * Floor 1. mmu notifiers: how the kernel tells drivers that translations are about to become invalid, and how drivers
 * keep it waiting until their devices have let go.
 *
 * The semantics are those of Linux's mm/mmu_notifier.c. Nothing here knows of page tables, files or devices: an mm is
 * an id and a name.
 */
export { DriverError, blaming } from './driver-error.js';
export { MMU_NOTIFIER_EVENTS, ULONG_MAX, type MmuNotifierEvent } from './events.js';
export { IntervalNotifier, type IntervalNotifierOps } from './interval-notifier.js';
export { InvalidateRange, type MmRef } from './invalidate-range.js';
export type { MmuNotifier } from './mmu-notifier.js';
export { MmuNotifiers } from './mmu-notifiers.js';
export { NotifierHub, type SecondaryTlbFlush, type YoungQuery } from './notifier-hub.js';
export { ProtocolError, type ProtocolRule } from './protocol-error.js';
export { ofEvent, ofMm, overlapping, spans, type InvalidateSpan } from './operators.js';
