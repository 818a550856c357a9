import { Errno, IntervalTree } from '../src/base/index.js';
import { Condition, SimulationError, type Task } from '../src/engine/index.js';
import { DriverError } from './driver-error.js';
import { ULONG_MAX, type MmuNotifierEvent } from './events.js';
import { IntervalNotifier, type IntervalNotifierOps, type IntervalSubscriptions } from './interval-notifier.js';
import { InvalidateRange, type MmRef } from './invalidate-range.js';
import type { MmuNotifier } from './mmu-notifier.js';
import type { NotifierHub, YoungQuery } from './notifier-hub.js';

/**
 * The subscriptions of one mm: Linux's struct mmu_notifier_subscriptions (mm/mmu_notifier.c, 5.5 and later).
 *
 * The core announces a change with `invalidateRangeStart`, yields the range if it has holds, changes the entries, and
 * announces the end with `invalidateRangeEnd`. Interval subscriptions are called first, then classic ones.
 */
export class MmuNotifiers implements IntervalSubscriptions {
  /*
   * The sequence number, as in Linux:
   *
   *   even, active == 0   idle; the tree may change
   *   even, active > 0    invalidations under way, none of which hits a subscription; the tree may change
   *   odd,  active > 0    at least one hit; changes of the tree are deferred until active is 0 again
   *
   * It becomes odd when an invalidation hits or an insertion meets one under way, and even when the last one ends.
   */
  invalidateSeq = 2;

  private active = 0;
  private readonly tree = new IntervalTree<IntervalNotifier>();
  private deferredInserts: IntervalNotifier[] = [];
  private deferredRemoves: IntervalNotifier[] = [];
  private readonly seqChanged: Condition;
  private classic: readonly MmuNotifier[] = [];
  /** Ranges that some driver still holds: what synchronize_srcu waits for. */
  private readonly held: InvalidateRange[] = [];
  private released = false;

  constructor(
    private readonly hub: NotifierHub,
    private readonly mm: MmRef,
  ) {
    this.seqChanged = new Condition(hub.simulation, `the invalidations of ${mm.name} to end`);
  }

  /**
   * mmu_notifier_invalidate_range_start. If the range has holds afterwards, the caller must yield it before it touches
   * an entry.
   */
  invalidateRangeStart(event: MmuNotifierEvent, start: number, end: number, owner: unknown = null): InvalidateRange {
    const range = new InvalidateRange(this.hub.simulation, this.mm, event, start, end, true, owner);
    this.announce(range);
    return range;
  }

  /**
   * mmu_notifier_invalidate_range_start_nonblock.
   * @returns null if a subscriber answered -EAGAIN: the entries must stay as they are and no end may be announced
   */
  invalidateRangeStartNonblock(event: MmuNotifierEvent, start: number, end: number): InvalidateRange | null {
    const range = new InvalidateRange(this.hub.simulation, this.mm, event, start, end, false, null);
    this.announce(range);
    return range.refused ? null : range;
  }

  /** mmu_notifier_invalidate_range_end: the entries have changed. */
  invalidateRangeEnd(range: InvalidateRange): void {
    range.finish();
    if (range.heldIndex >= 0) this.forget(range);
    this.endIntervals();
    this.callClassicEnds(range);
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit(traced('invalidate_end', range));
    this.hub.end$.emit(range);
  }

  /**
   * mmu_notifier_register. A notifier sees every invalidation that starts afterwards and none that started before.
   * @throws Errno EINVAL if it combines the secondary-TLB callback with the invalidate callbacks
   */
  register(notifier: MmuNotifier): void {
    this.mustBeAlive(notifier.name);
    const followsTlb = notifier.archInvalidateSecondaryTlbs !== undefined;
    if (followsTlb && (notifier.invalidateRangeStart ?? notifier.invalidateRangeEnd) !== undefined) {
      throw new Errno('EINVAL', `"${notifier.name}": archInvalidateSecondaryTlbs excludes the invalidate callbacks`);
    }
    this.classic = [notifier, ...this.classic];
  }

  /**
   * mmu_notifier_unregister: releases the notifier unless the mm's end did, and waits for its callbacks. When this has
   * returned none of them runs or will run.
   */
  *unregister(notifier: MmuNotifier): Task {
    if (this.classic.includes(notifier)) {
      const range = this.newReleaseRange();
      this.callReleases([notifier], range);
      range.seal();
      this.classic = this.classic.filter((other) => other !== notifier);
      yield range;
    }
    yield* this.synchronize();
  }

  /**
   * mmu_interval_notifier_insert.
   * @param length bytes, at least 1
   * @throws Errno EOVERFLOW if the range is empty or passes the end of the address space
   */
  insertInterval(start: number, length: number, ops: IntervalNotifierOps): IntervalNotifier {
    this.mustBeAlive(ops.name);
    const last = start + length - 1;
    if (length <= 0 || start > ULONG_MAX - (length - 1)) {
      throw new Errno('EOVERFLOW', `"${ops.name}": interval of ${String(length)} bytes at 0x${start.toString(16)}`);
    }
    if (this.active === 0) {
      // Odd and unlike the mm's: readBegin does not wait.
      const subscription = new IntervalNotifier(this, start, last, ops, this.invalidateSeq - 1);
      this.plant(subscription);
      return subscription;
    }
    // Some invalidation is under way and may or may not be this one's: readBegin waits until all of them have ended.
    const deferred = this.excluded;
    this.invalidateSeq |= 1;
    const subscription = new IntervalNotifier(this, start, last, ops, this.invalidateSeq);
    if (deferred) this.deferredInserts.push(subscription);
    else this.plant(subscription);
    return subscription;
  }

  /** mmu_interval_notifier_remove: when this has returned, invalidate() does not run and will not be called again. */
  *removeInterval(subscription: IntervalNotifier): Task {
    if (!this.excluded) {
      this.uproot(subscription);
      return;
    }
    const pending = this.deferredInserts.indexOf(subscription);
    if (pending >= 0) {
      this.deferredInserts.splice(pending, 1);
      return;
    }
    this.deferredRemoves.push(subscription);
    yield* this.waitForSeqChange(this.invalidateSeq);
  }

  /**
   * mmu_notifier_release, from exit_mmap, before any page is freed: RELEASE to the interval subscriptions, release() to
   * the classic ones, which are then off the list.
   */
  *release(): Task {
    this.released = true;
    this.hub.release$.emit(this.mm);
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit({ kind: 'mm_release', mm: this.mm.id });

    const range = this.newReleaseRange();
    this.callIntervals(range);
    this.callReleases(this.classic, range);
    range.seal();
    this.classic = [];
    if (range.holds > 0) yield range;
    this.endIntervals();
    yield* this.synchronize();
  }

  /** mmu_notifier_clear_flush_young, clear_young and test_young: whether any subscriber's device used the range. */
  young(kind: YoungQuery['kind'], start: number, end: number): boolean {
    const { mm } = this;
    this.hub.young$.emit({ kind, mm, start, end });
    let young = false;
    for (const notifier of this.classic) {
      if (kind === 'clear_flush_young') young = (notifier.clearFlushYoung?.(mm, start, end) ?? false) || young;
      else if (kind === 'clear_young') young = (notifier.clearYoung?.(mm, start, end) ?? false) || young;
      else if (notifier.testYoung?.(mm, start) ?? false) return true;
    }
    return young;
  }

  /** mmu_notifier_arch_invalidate_secondary_tlbs: the CPU flushed its TLB for the range. */
  archInvalidateSecondaryTlbs(start: number, end: number): void {
    const { mm, hub } = this;
    const { trace } = hub.simulation;
    if (trace.on) trace.emit({ kind: 'arch_invalidate_secondary_tlbs', mm: mm.id, start, end });
    hub.secondaryTlbs$.emit({ mm, start, end });
    for (const notifier of this.classic) notifier.archInvalidateSecondaryTlbs?.(mm, start, end);
  }

  /** @internal for IntervalNotifier.readBegin */
  *waitForSeqChange(seq: number): Task {
    while (this.invalidateSeq === seq) yield this.seqChanged;
  }

  private get excluded(): boolean {
    return (this.invalidateSeq & 1) === 1;
  }

  private announce(range: InvalidateRange): void {
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit(traced('invalidate_start', range));
    this.emitStart(range);
    this.callIntervals(range);
    if (!range.refused) this.callClassicStarts(range);
    if (range.refused) this.endIntervals();
    range.seal();
    if (range.refused) {
      if (trace.on) trace.emit(traced('invalidate_start_refused', range));
      this.hub.refused$.emit(range);
    } else if (range.holds > 0) {
      range.heldIndex = this.held.push(range) - 1;
    }
  }

  private emitStart(range: InvalidateRange): void {
    try {
      this.hub.start$.emit(range);
    } catch (error) {
      throw new DriverError('a subscriber of the stream of starts', 'next', range.name, error);
    }
  }

  /** mn_itree_inv_start_range and the loop over its hits, which stops at the first refusal. */
  private callIntervals(range: InvalidateRange): void {
    this.active++;
    if (range.refused) return;
    this.tree.forEachOverlap(range.start, range.end - 1, (subscription) => {
      this.invalidateSeq |= 1;
      if (!range.refused) this.callInterval(subscription.ops, range, this.invalidateSeq);
    });
  }

  private callInterval(ops: IntervalNotifierOps, range: InvalidateRange, seq: number): void {
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit({ ...traced('interval_invalidate', range), driver: ops.name, seq });
    try {
      ops.invalidate(range, seq);
    } catch (error) {
      throw new DriverError(ops.name, 'invalidate', range.name, error);
    }
  }

  /** All of them are called; if one refused, those that did not are told that the range has ended for them. */
  private callClassicStarts(range: InvalidateRange): void {
    for (const notifier of this.classic) {
      try {
        notifier.invalidateRangeStart?.(range);
      } catch (error) {
        throw new DriverError(notifier.name, 'invalidateRangeStart', range.name, error);
      }
    }
    if (range.refused) this.callClassicEnds(range);
  }

  private callClassicEnds(range: InvalidateRange): void {
    for (const notifier of this.classic) {
      try {
        notifier.invalidateRangeEnd?.(range);
      } catch (error) {
        throw new DriverError(notifier.name, 'invalidateRangeEnd', range.name, error);
      }
    }
  }

  private callReleases(notifiers: readonly MmuNotifier[], range: InvalidateRange): void {
    for (const notifier of notifiers) {
      try {
        notifier.release?.(range);
      } catch (error) {
        throw new DriverError(notifier.name, 'release', range.name, error);
      }
    }
  }

  /** mn_itree_inv_end: the last end makes the sequence even, lets the deferred changes happen and wakes the waiters. */
  private endIntervals(): void {
    if (this.active === 0) throw new SimulationError(`${this.mm.name}: an invalidation ended that never started`);
    this.active--;
    if (this.active > 0 || !this.excluded) return;
    this.invalidateSeq++;
    const inserts = this.deferredInserts;
    const removes = this.deferredRemoves;
    this.deferredInserts = [];
    this.deferredRemoves = [];
    for (const subscription of inserts) this.plant(subscription);
    for (const subscription of removes) this.uproot(subscription);
    this.seqChanged.notifyAll();
  }

  private plant(subscription: IntervalNotifier): void {
    subscription.node = this.tree.insert(subscription.start, subscription.last, subscription);
  }

  private uproot(subscription: IntervalNotifier): void {
    if (subscription.node === null || !this.tree.remove(subscription.node)) {
      throw new SimulationError(`"${subscription.ops.name}" removed an interval notifier that is not subscribed`);
    }
    subscription.node = null;
  }

  /** synchronize_srcu: waits for the callbacks that run now, that is for the ranges that are still held. */
  private *synchronize(): Task {
    for (const range of [...this.held]) yield range;
  }

  private forget(range: InvalidateRange): void {
    const last = this.held.pop();
    if (last === undefined || last === range) return;
    this.held[range.heldIndex] = last;
    last.heldIndex = range.heldIndex;
  }

  private newReleaseRange(): InvalidateRange {
    return new InvalidateRange(this.hub.simulation, this.mm, 'RELEASE', 0, ULONG_MAX, true, null);
  }

  private mustBeAlive(name: string): void {
    if (this.released) throw new Errno('EINVAL', `"${name}" subscribes to ${this.mm.name}, which is going away`);
  }
}

function traced(kind: string, range: InvalidateRange): { kind: string; [field: string]: string | number | boolean } {
  const { mm, event, start, end, blockable } = range;
  return { kind, mm: mm.id, event, start, end, blockable };
}
