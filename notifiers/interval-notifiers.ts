import { Errno, IntervalTree } from '../src/base/index.js';
import { Condition, SharedState, SimulationError, type Simulation, type Task } from '../src/engine/index.js';
import { DriverError } from './driver-error.js';
import { ULONG_MAX } from './events.js';
import { IntervalNotifier, type IntervalNotifierOps, type IntervalSubscriptions } from './interval-notifier.js';
import { ProtocolError } from './protocol-error.js';
import { traced, type InvalidateRange, type MmRef } from './invalidate-range.js';

/** The interval subscriptions of one mm and the sequence number that they share (mn_itree_* of mm/mmu_notifier.c). */
export class IntervalNotifiers implements IntervalSubscriptions {
  /*
   * The sequence number, as in Linux:
   *
   *   even, active == 0   idle; the tree may change
   *   even, active > 0    invalidations under way, none of which hits a subscription; the tree may change
   *   odd,  active > 0    at least one hit; changes of the tree are deferred until active is 0 again
   *
   * It becomes odd when an invalidation hits or an insertion meets one under way, and even when the last one ends.
   */
  private seq = 2;

  private active = 0;
  private readonly tree = new IntervalTree<IntervalNotifier>();
  private deferredInserts: IntervalNotifier[] = [];
  private deferredRemoves: IntervalNotifier[] = [];
  private readonly seqChanged: Condition;
  /** The sequence number, who is on the tree, and what is deferred. */
  private readonly state: SharedState;
  /** Subscriptions that were called since the sequence number became odd, and the last range of each call. */
  private readonly called: { readonly subscription: IntervalNotifier; readonly range: InvalidateRange }[] = [];

  constructor(
    readonly simulation: Simulation,
    private readonly mm: MmRef,
  ) {
    this.state = new SharedState(simulation, (to) => {
      to.add(this.seq);
      to.add(this.active);
      to.add(this.called.length);
      for (const deferred of [this.deferredInserts, this.deferredRemoves]) {
        to.add(deferred.length);
        for (const { start, last } of deferred) {
          to.add(start);
          to.add(last);
        }
      }
    });
    this.seqChanged = new Condition(simulation, `the invalidations of ${mm.name} to end`);
  }

  get invalidateSeq(): number {
    this.state.read();
    return this.seq;
  }

  /** mn_itree_inv_start_range and the loop over its hits, which stops at the first refusal. */
  start(range: InvalidateRange): void {
    this.state.write();
    this.active++;
    if (range.refused || this.tree.size === 0) return;
    this.tree.forEachOverlap(range.start, range.end - 1, (subscription) => {
      this.seq |= 1;
      if (!range.refused) this.call(subscription, range, this.seq);
    });
  }

  /** mn_itree_inv_end: the last end makes the sequence even, lets the deferred changes happen and wakes the waiters. */
  end(): void {
    if (this.active === 0) throw new SimulationError(`${this.mm.name}: an invalidation ended that never started`);
    this.state.write();
    this.active--;
    if (this.active > 0 || !this.excluded) return;
    this.checkAnswers();
    this.seq++;
    const inserts = this.deferredInserts;
    const removes = this.deferredRemoves;
    this.deferredInserts = [];
    this.deferredRemoves = [];
    for (const subscription of inserts) this.plant(subscription);
    for (const subscription of removes) this.uproot(subscription);
    this.seqChanged.notifyAll();
  }

  /** @throws Errno EOVERFLOW if the range is empty or passes the end of the address space */
  insert(start: number, length: number, ops: IntervalNotifierOps): IntervalNotifier {
    const last = start + length - 1;
    if (length <= 0 || start > ULONG_MAX - (length - 1)) {
      throw new Errno('EOVERFLOW', `"${ops.name}": interval of ${String(length)} bytes at 0x${start.toString(16)}`);
    }
    this.state.write();
    if (this.active === 0) {
      // Odd and unlike the mm's: readBegin does not wait.
      const subscription = new IntervalNotifier(this, start, last, ops, this.seq - 1);
      this.plant(subscription);
      return subscription;
    }
    // Some invalidation is under way and may or may not be this one's: readBegin waits until all of them have ended.
    const deferred = this.excluded;
    this.seq |= 1;
    const subscription = new IntervalNotifier(this, start, last, ops, this.seq);
    if (deferred) this.deferredInserts.push(subscription);
    else this.plant(subscription);
    return subscription;
  }

  /** When this has returned, invalidate() of the subscription does not run and will not be called again. */
  *remove(subscription: IntervalNotifier): Task {
    this.state.write();
    const pending = this.deferredInserts.indexOf(subscription);
    if (pending >= 0) {
      this.deferredInserts.splice(pending, 1);
      return;
    }
    // Whoever removes twice is told here, not the kernel when it ends the invalidation that a removal waits for.
    if (subscription.node === null || this.deferredRemoves.includes(subscription)) {
      throw new SimulationError(`"${subscription.ops.name}" removed an interval notifier that is not subscribed`);
    }
    if (!this.excluded) {
      this.uproot(subscription);
      return;
    }
    this.deferredRemoves.push(subscription);
    yield* this.waitForSeqChange(this.seq);
  }

  /** @internal for IntervalNotifier.readBegin */
  *waitForSeqChange(seq: number): Task {
    while (this.invalidateSeq === seq) yield this.seqChanged;
  }

  private get excluded(): boolean {
    return (this.seq & 1) === 1;
  }

  private call(subscription: IntervalNotifier, range: InvalidateRange, seq: number): void {
    const { ops } = subscription;
    const { trace } = this.simulation;
    if (trace.on) trace.emit({ ...traced('interval_invalidate', range), driver: ops.name, seq });
    subscription.state.write();
    const owed = subscription.unansweredSeq;
    subscription.unansweredSeq = seq;
    try {
      refuseToWait((ops as UntypedOps).invalidate(range, seq));
    } catch (error) {
      throw new DriverError(ops.name, 'invalidate', range.name, error);
    }
    if (subscription.unansweredSeq < 0) return;
    // A refusal owes no answer, and what another range is owed stays so.
    if (range.refused) subscription.unansweredSeq = owed;
    else this.called.push({ subscription, range });
  }

  /** R4: a driver that does not count an invalidation would install what it read before. */
  private checkAnswers(): void {
    if (this.called.length === 0) return;
    for (const { subscription, range } of this.called.splice(0)) {
      subscription.state.read();
      if (subscription.unansweredSeq < 0) continue;
      const { name } = subscription.ops;
      const what = `rule R4: it never called setSeq(${String(subscription.unansweredSeq)})`;
      throw new DriverError(name, 'invalidate', range.name, new ProtocolError('R4', name, range.name, what));
    }
  }

  private plant(subscription: IntervalNotifier): void {
    subscription.state.write();
    subscription.node = this.tree.insert(subscription.start, subscription.last, subscription);
  }

  private uproot(subscription: IntervalNotifier): void {
    subscription.state.write();
    if (subscription.node !== null) this.tree.remove(subscription.node);
    subscription.node = null;
  }
}

/** The callback as JavaScript sees it. */
interface UntypedOps {
  invalidate(range: InvalidateRange, seq: number): unknown;
}

/** A callback is a plain function. In JavaScript it may be written as one whose body runs later, or never. */
function refuseToWait(answer: unknown): void {
  if (answer === undefined || answer === null) return;
  const { then, next } = answer as { readonly then?: unknown; readonly next?: unknown };
  if (typeof then !== 'function' && typeof next !== 'function') return;
  throw new Error('it is async or a generator: what takes time is a task that is handed to range.hold');
}
