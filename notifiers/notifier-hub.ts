import { HotStream, type Simulation } from '../src/engine/index.js';
import type { InvalidateRange, MmRef } from './invalidate-range.js';

/** A query or reset of the accessed bits of a range (mmu_notifier_clear_flush_young and its two relatives). */
export interface YoungQuery {
  readonly kind: 'clear_flush_young' | 'clear_young' | 'test_young';
  readonly mm: MmRef;
  readonly start: number;
  readonly end: number;
}

/** A CPU TLB flush that devices walking the CPU's page table must follow (arch_invalidate_secondary_tlbs). */
export interface SecondaryTlbFlush {
  readonly mm: MmRef;
  readonly start: number;
  readonly end: number;
}

/**
 * The streams on which one kernel's notifications appear, of all its address spaces, in the order in which they happen.
 *
 * A subscriber of `start$` may hold or refuse a range, as a registered notifier may.
 */
export class NotifierHub {
  readonly start$ = new HotStream<InvalidateRange>();
  readonly end$ = new HotStream<InvalidateRange>();
  /** Non-blockable ranges that somebody refused: the caller got -EAGAIN and no end follows. */
  readonly refused$ = new HotStream<InvalidateRange>();
  /** An mm begins to go away. */
  readonly release$ = new HotStream<MmRef>();
  /** Its drivers have let go of it, for good. */
  readonly released$ = new HotStream<MmRef>();
  readonly young$ = new HotStream<YoungQuery>();
  readonly secondaryTlbs$ = new HotStream<SecondaryTlbFlush>();

  constructor(readonly simulation: Simulation) {}
}
