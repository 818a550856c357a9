import { Errno } from '../src/base/index.js';
import {
  QueuedWaitable,
  SharedState,
  RELEASE,
  WRITE,
  READ,
  type Scheduler,
  type Waitable,
} from '../src/engine/index.js';
import { DriverError } from './driver-error.js';
import type { InvalidateRange, MmRef, RangeAudience } from './invalidate-range.js';
import type { MmuNotifier } from './mmu-notifier.js';
import type { YoungQuery } from './notifier-hub.js';
import { ProtocolError } from './protocol-error.js';

/** One registration of a notifier. The same notifier may register again later: that is another one. */
export class Registration {
  /** False once it is off the list: none of its callbacks runs any more. */
  live = true;
  /** True once somebody, the mm's end or an unregistration, has called release(): it runs once. */
  releaseCalled = false;

  constructor(readonly notifier: MmuNotifier) {}
}

/**
 * The classic subscriptions of an mm between two changes of the list, and the ranges that were announced to them.
 *
 * A range ends for those to whom it started. So a change of the list makes a new audience, and the old one lives until
 * its ranges, and those of the audiences before it, have ended; a task that yields it waits until then.
 */
class Audience extends QueuedWaitable implements RangeAudience {
  /** Those that have something to say to a start; to an end. */
  private readonly starting: readonly MmuNotifier[];
  private readonly ending: readonly Registration[];
  /** Ranges under way, and one more while an earlier audience has any. */
  private pending = 0;
  private successor: Audience | null = null;

  constructor(
    scheduler: Scheduler,
    private readonly mm: MmRef,
    readonly members: readonly Registration[],
    previous: Audience | null,
    private readonly list: SharedState,
  ) {
    super(scheduler);
    const notifiers = members.map(({ notifier }) => notifier);
    this.starting = notifiers.filter((notifier) => notifier.invalidateRangeStart !== undefined);
    this.ending = members.filter(({ notifier }) => notifier.invalidateRangeEnd !== undefined);
    if (previous === null || !previous.isBusy) return;
    previous.successor = this;
    this.pending = 1;
  }

  get name(): string {
    return `the invalidations of ${this.mm.name} that were under way to end`;
  }

  /** All of them are called; if one refused, those that did not are told that the range has ended for them. */
  start(range: InvalidateRange): void {
    this.touch(WRITE);
    this.pending++;
    range.audience = this;
    for (const notifier of this.starting) {
      const refusals = range.refusals;
      try {
        notifier.invalidateRangeStart?.(range);
      } catch (error) {
        throw new DriverError(notifier.name, 'invalidateRangeStart', range.name, error);
      }
      if (range.refusals > refusals) this.mayRefuse(notifier, range);
    }
    if (range.refused) this.end(range);
  }

  end(range: InvalidateRange): void {
    if (this.ending.length > 0) this.list.read();
    for (const { notifier, live } of this.ending) {
      if (!live) continue;
      try {
        notifier.invalidateRangeEnd?.(range);
      } catch (error) {
        throw new DriverError(notifier.name, 'invalidateRangeEnd', range.name, error);
      }
    }
    this.oneLess();
  }

  admit(task: number): boolean {
    this.touch(READ);
    return this.pending === 0 || this.enqueue(task);
  }

  describe(): string {
    return this.name;
  }

  private mayRefuse(notifier: MmuNotifier, range: InvalidateRange): void {
    if (notifier.invalidateRangeEnd === undefined) return;
    throw new ProtocolError(
      'R7',
      notifier.name,
      range.name,
      `"${notifier.name}" refused ${range.name} and implements invalidateRangeEnd: who may refuse must not (R7)`,
    );
  }

  private get isBusy(): boolean {
    this.touch(READ);
    return this.pending > 0;
  }

  private oneLess(): void {
    this.touch(RELEASE);
    if (--this.pending > 0) return;
    this.wakeAll();
    this.successor?.oneLess();
  }
}

/** The classic subscriptions of one mm: the hlist of Linux's struct mmu_notifier_subscriptions. */
export class ClassicNotifiers {
  private audience: Audience;
  /** Who is on the list. */
  private readonly list: SharedState;

  constructor(
    private readonly scheduler: Scheduler,
    private readonly mm: MmRef,
  ) {
    this.list = new SharedState(scheduler);
    this.audience = new Audience(scheduler, mm, [], null, this.list);
  }

  /** Puts a notifier at the head of the list. @returns what admits when every range that it has not seen has ended */
  add(notifier: MmuNotifier): Waitable {
    const followsTlb = notifier.archInvalidateSecondaryTlbs !== undefined;
    if (followsTlb && (notifier.invalidateRangeStart ?? notifier.invalidateRangeEnd) !== undefined) {
      throw new Errno('EINVAL', `"${notifier.name}": archInvalidateSecondaryTlbs excludes the invalidate callbacks`);
    }
    const before = this.audience;
    this.replace([new Registration(notifier), ...before.members]);
    return before;
  }

  find(notifier: MmuNotifier): Registration | undefined {
    this.list.read();
    return this.audience.members.find((member) => member.notifier === notifier);
  }

  /** Takes a registration off the list; without one, all of them. Nothing is called for it from here on. */
  remove(which?: Registration): void {
    const kept: Registration[] = [];
    for (const member of this.audience.members) {
      if (which === undefined || member === which) member.live = false;
      else kept.push(member);
    }
    this.replace(kept);
  }

  /** Announces a range. Its end is due to `range.audience`. */
  start(range: InvalidateRange): void {
    this.list.read();
    this.audience.start(range);
  }

  /** Calls release() of a registration; without one, of all of them. Not where it has been called already. */
  release(range: InvalidateRange, which?: Registration): void {
    this.list.write();
    for (const member of this.audience.members) {
      const { notifier } = member;
      if (member.releaseCalled || (which !== undefined && member !== which)) continue;
      member.releaseCalled = true;
      try {
        notifier.release?.(range);
      } catch (error) {
        throw new DriverError(notifier.name, 'release', range.name, error);
      }
    }
  }

  young(kind: YoungQuery['kind'], start: number, end: number): boolean {
    const { mm } = this;
    this.list.read();
    let young = false;
    for (const { notifier } of this.audience.members) {
      if (kind === 'clear_flush_young') young = (notifier.clearFlushYoung?.(mm, start, end) ?? false) || young;
      else if (kind === 'clear_young') young = (notifier.clearYoung?.(mm, start, end) ?? false) || young;
      else if (notifier.testYoung?.(mm, start) ?? false) return true;
    }
    return young;
  }

  archInvalidateSecondaryTlbs(start: number, end: number): void {
    this.list.read();
    for (const { notifier } of this.audience.members) notifier.archInvalidateSecondaryTlbs?.(this.mm, start, end);
  }

  private replace(members: readonly Registration[]): void {
    this.list.write();
    this.audience = new Audience(this.scheduler, this.mm, members, this.audience, this.list);
  }
}
