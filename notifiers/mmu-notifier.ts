import type { InvalidateRange, MmRef } from './invalidate-range.js';

/**
 * A classic subscription: Linux's struct mmu_notifier_ops. It sees every invalidation of its mm.
 *
 * The callbacks are plain functions. One that has to wait for its device takes a hold on the range it was given.
 */
export interface MmuNotifier {
  /** The driver's name, for messages. */
  readonly name: string;
  /**
   * The mm goes away: drop every translation and never make one again. Runs before any page is freed. The range is
   * the whole address space; take holds on it as for an invalidation.
   */
  release?(range: InvalidateRange): void;
  /** Entries in the range are about to change; all pages are still mapped. Afterwards no access may use the old ones. */
  invalidateRangeStart?(range: InvalidateRange): void;
  /** The entries have changed. A notifier that may refuse a range must not implement this. */
  invalidateRangeEnd?(range: InvalidateRange): void;
  /** Returns whether the device used the range since the last time, and forgets it. Must not sleep. */
  clearFlushYoung?(mm: MmRef, start: number, end: number): boolean;
  /** As clearFlushYoung, but the device's TLB need not be flushed. */
  clearYoung?(mm: MmRef, start: number, end: number): boolean;
  /** Returns whether the device used the page, without forgetting it. */
  testYoung?(mm: MmRef, address: number): boolean;
  /** The CPU flushed its TLB: for devices that walk the CPU's page table. Excludes the two invalidate callbacks. */
  archInvalidateSecondaryTlbs?(mm: MmRef, start: number, end: number): void;
}
