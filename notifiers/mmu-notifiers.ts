import { Errno } from '../src/base/index.js';
import { SharedState, type Task, type Waitable } from '../src/engine/index.js';
import { ClassicNotifiers } from './classic-notifiers.js';
import { DriverError } from './driver-error.js';
import { ULONG_MAX, type MmuNotifierEvent } from './events.js';
import type { IntervalNotifier, IntervalNotifierOps } from './interval-notifier.js';
import { IntervalNotifiers } from './interval-notifiers.js';
import { InvalidateRange, traced, type MmRef } from './invalidate-range.js';
import type { MmuNotifier } from './mmu-notifier.js';
import type { NotifierHub, YoungQuery } from './notifier-hub.js';

/**
 * The subscriptions of one mm: Linux's struct mmu_notifier_subscriptions (mm/mmu_notifier.c, 5.5 and later).
 *
 * The core announces a change with `invalidateRangeStart`, yields the range if it has holds, changes the entries, and
 * announces the end with `invalidateRangeEnd`. Interval subscriptions are called first, then classic ones.
 */
export class MmuNotifiers {
  private readonly intervals: IntervalNotifiers;
  private readonly classic: ClassicNotifiers;
  /** Ranges that some driver still holds, RELEASE among them: what synchronize_srcu waits for. */
  private readonly held: InvalidateRange[] = [];
  private released = false;
  private readonly subscribed = new Map<IntervalNotifier | MmuNotifier, string>();
  /** What is held; and, apart, whether the mm goes away. */
  private readonly holding: SharedState;
  private readonly life: SharedState;

  constructor(
    private readonly hub: NotifierHub,
    private readonly mm: MmRef,
  ) {
    this.intervals = new IntervalNotifiers(hub.simulation, mm);
    this.classic = new ClassicNotifiers(hub.simulation, mm);
    this.holding = new SharedState(hub.simulation);
    this.life = new SharedState(hub.simulation);
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
    this.intervals.end();
    range.audience?.end(range);
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit(traced('invalidate_end', range));
    if (this.hub.end$.observed) this.hub.end$.emit(range);
  }

  /**
   * mmu_notifier_register. A notifier sees every invalidation that starts afterwards and none that started before, not
   * even its end.
   *
   * @returns yield it before the first translation is made: those that started before go on without the notifier. Linux
   *   waits in mm_take_all_locks.
   * @throws Errno EINVAL if it combines the secondary-TLB callback with the invalidate callbacks
   */
  register(notifier: MmuNotifier): Waitable {
    this.mustBeAlive(notifier.name);
    const earlier = this.classic.add(notifier);
    this.subscribed.set(notifier, notifier.name);
    return earlier;
  }

  /**
   * mmu_notifier_unregister: releases the notifier unless the mm's end did, and waits for its callbacks. When this has
   * returned none of them runs or will run.
   */
  *unregister(notifier: MmuNotifier): Task {
    this.subscribed.delete(notifier);
    const registration = this.classic.find(notifier);
    if (registration !== undefined) {
      // It stays on the list until it has let go: what starts meanwhile must still wait for its device.
      const range = this.newReleaseRange();
      this.classic.release(range, registration);
      yield* this.quiesce(range);
      yield* this.synchronize();
      this.classic.remove(registration);
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
    const subscription = this.intervals.insert(start, length, ops);
    this.subscribed.set(subscription, ops.name);
    return subscription;
  }

  /** mmu_interval_notifier_remove: when this has returned, invalidate() does not run and will not be called again. */
  *removeInterval(subscription: IntervalNotifier): Task {
    this.subscribed.delete(subscription);
    yield* this.intervals.remove(subscription);
  }

  /**
   * The names of those who have subscribed and not unsubscribed, the oldest first. Each keeps the mm_struct (mmgrab), after the
   * release of the mm, too.
   */
  get subscribers(): readonly string[] {
    return [...this.subscribed.values()];
  }

  /**
   * mmu_notifier_release, from exit_mmap: RELEASE to the interval subscriptions, release() to the classic ones, which are
   * then off the list. No page is freed before all of them have let go, whoever called their release().
   */
  *release(): Task {
    this.life.write();
    this.released = true;
    this.hub.release$.emit(this.mm);
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit({ kind: 'mm_release', mm: this.mm.id });

    const range = this.newReleaseRange();
    this.intervals.start(range);
    this.classic.release(range);
    yield* this.quiesce(range);
    this.classic.remove();
    this.intervals.end();
    yield* this.synchronize();
    this.hub.released$.emit(this.mm);
  }

  /** mmu_notifier_clear_flush_young, clear_young and test_young: whether any subscriber's device used the range. */
  young(kind: YoungQuery['kind'], start: number, end: number): boolean {
    this.hub.young$.emit({ kind, mm: this.mm, start, end });
    return this.classic.young(kind, start, end);
  }

  /** mmu_notifier_arch_invalidate_secondary_tlbs: the CPU flushed its TLB for the range. */
  archInvalidateSecondaryTlbs(start: number, end: number): void {
    const { mm, hub } = this;
    const { trace } = hub.simulation;
    if (trace.on) trace.emit({ kind: 'arch_invalidate_secondary_tlbs', mm: mm.id, start, end });
    hub.secondaryTlbs$.emit({ mm, start, end });
    this.classic.archInvalidateSecondaryTlbs(start, end);
  }

  private announce(range: InvalidateRange): void {
    const { trace } = this.hub.simulation;
    if (trace.on) trace.emit(traced('invalidate_start', range));
    if (this.hub.start$.observed) this.emitStart(range);
    this.intervals.start(range);
    if (!range.refused) this.classic.start(range);
    if (range.refused) this.intervals.end();
    range.seal();
    if (range.refused) {
      if (trace.on) trace.emit(traced('invalidate_start_refused', range));
      this.hub.refused$.emit(range);
    } else if (range.holds > 0) {
      this.remember(range);
    }
  }

  private emitStart(range: InvalidateRange): void {
    try {
      this.hub.start$.emit(range);
    } catch (error) {
      throw new DriverError('a subscriber of the stream of starts', 'next', range.name, error);
    }
  }

  /** Waits until nobody holds a RELEASE range, which has no end. */
  private *quiesce(range: InvalidateRange): Task {
    range.seal();
    if (range.holds === 0) return;
    this.remember(range);
    yield range;
    this.forget(range);
  }

  /** synchronize_srcu: waits for the callbacks that run now, that is for the ranges that are still held. */
  private *synchronize(): Task {
    this.holding.read();
    for (const range of [...this.held]) yield range;
  }

  private remember(range: InvalidateRange): void {
    this.holding.update();
    range.heldIndex = this.held.push(range) - 1;
  }

  private forget(range: InvalidateRange): void {
    this.holding.update();
    const last = this.held.pop();
    if (last === undefined || last === range) return;
    this.held[range.heldIndex] = last;
    last.heldIndex = range.heldIndex;
  }

  private newReleaseRange(): InvalidateRange {
    return new InvalidateRange(this.hub.simulation, this.mm, 'RELEASE', 0, ULONG_MAX, true, null);
  }

  private mustBeAlive(name: string): void {
    this.life.read();
    if (this.released) throw new Errno('EINVAL', `"${name}" subscribes to ${this.mm.name}, which is going away`);
  }
}
