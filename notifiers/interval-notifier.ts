import type { TreeInterval } from '../src/base/index.js';
import { SharedState, SimulationError, type Simulation, type Task } from '../src/engine/index.js';
import type { InvalidateRange } from './invalidate-range.js';

/** What an interval subscription must answer. */
export interface IntervalNotifierOps {
  /** The driver's name, for messages. */
  readonly name: string;
  /**
   * Translations in the range are about to become invalid. Under the driver's own lock: call `setSeq(seq)`, whatever is
   * mapped, and drop the translations. Take a hold if that needs time; `range.refuse()` a non-blockable range that
   * would need it.
   */
  invalidate(range: InvalidateRange, seq: number): void;
}

/** What a subscription needs of the list it is on. */
export interface IntervalSubscriptions {
  readonly simulation: Simulation;
  /** Sequence number of the mm: odd while an invalidation that hits a subscription is under way. */
  readonly invalidateSeq: number;
  /** Waits until `invalidateSeq` is no longer `seq`. */
  waitForSeqChange(seq: number): Task;
}

/**
 * A subscription to one range of an mm, with the sequence protocol by which a page fault finds out whether an
 * invalidation came in between: Linux's struct mmu_interval_notifier.
 *
 *     seq = readBegin() → read the page tables → take the driver's lock → readRetry(seq)? start over : install
 */
export class IntervalNotifier {
  /** @internal its place in the tree; null while insertion is deferred and after removal */
  node: TreeInterval<IntervalNotifier> | null = null;
  /** @internal sequence number of an invalidate() that has not been answered by setSeq; -1 if there is none */
  unansweredSeq = -1;
  /** @internal its sequence number and the unanswered one */
  readonly state: SharedState;

  /** @internal made by IntervalNotifiers.insert */
  constructor(
    private readonly subscriptions: IntervalSubscriptions,
    readonly start: number,
    /** Last address inside: inclusive. */
    readonly last: number,
    readonly ops: IntervalNotifierOps,
    private invalidateSeq: number,
  ) {
    this.state = new SharedState(subscriptions.simulation, (to) => {
      to.add(this.invalidateSeq);
      to.add(this.unansweredSeq);
      to.add(this.node === null ? 0 : 1);
    });
  }

  /**
   * mmu_interval_read_begin: waits while an invalidation of this subscription is under way. What it returns may be
   * out of date already; `readRetry` tells.
   */
  *readBegin(): Task<number> {
    this.state.read();
    const seq = this.invalidateSeq;
    if (seq === this.subscriptions.invalidateSeq) yield* this.subscriptions.waitForSeqChange(seq);
    return seq;
  }

  /** mmu_interval_read_retry: true if an invalidation began since `seq` was read. Call it under the driver's lock. */
  readRetry(seq: number): boolean {
    this.state.read();
    return this.invalidateSeq !== seq;
  }

  /**
   * mmu_interval_check_retry: as readRetry, without the driver's lock. True is reliable, false is a hint: it saves work
   * that would have to be done again.
   */
  checkRetry(seq: number): boolean {
    this.state.read();
    return this.invalidateSeq !== seq;
  }

  /** mmu_interval_set_seq: must be called in every invalidate() that the driver honours, under the driver's lock. */
  setSeq(seq: number): void {
    if (seq % 2 === 0)
      throw new SimulationError(`"${this.ops.name}": setSeq(${String(seq)}): an invalidation's is odd`);
    this.state.write();
    this.invalidateSeq = seq;
    if (this.unansweredSeq <= seq) this.unansweredSeq = -1;
  }
}
