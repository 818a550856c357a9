import { blaming } from './driver-error.js';
import { ProtocolError, type ProtocolRule } from './protocol-error.js';
import {
  HoldCounter,
  READ,
  WRITE,
  type Hold,
  type Scheduler,
  type StateSink,
  type Task,
  type TaskHandle,
} from '../src/engine/index.js';
import type { MmuNotifierEvent } from './events.js';

/** The address space that a range belongs to, as far as this floor cares. */
export interface MmRef {
  readonly id: number;
  readonly name: string;
}

/** Those to whom the start of a range was announced, and its end is due. */
export interface RangeAudience {
  end(range: InvalidateRange): void;
}

/**
 * One invalidation: Linux's struct mmu_notifier_range, and the barrier on which drivers keep it waiting.
 *
 * The kernel announces it before it touches a page table entry. Whoever must first quiesce a device takes a hold while
 * it is being announced and releases it when no access through the old translations can land any more; the kernel goes
 * on when the last hold is gone, changes the entries, and announces the end.
 */
export class InvalidateRange extends HoldCounter {
  /** Virtual time in ns at which it was announced. */
  readonly startedAt: number;
  /** Virtual time in ns at which the last hold was released; `startedAt` if nobody held. */
  quiescedAt: number;
  /** @internal index in its mm's list of held ranges; -1 while it is not there */
  heldIndex = -1;
  /** @internal the classic subscriptions that were on the list when it started */
  audience: RangeAudience | null = null;
  /** How often it was refused while its start was being announced. */
  refusals = 0;

  private ended: number | null = null;
  private beingAnnounced = true;
  private whenHeld: ((owner: string) => void)[] | null = null;
  private whenReleased: ((owner: string) => void)[] | null = null;
  private whenQuiesced: ((range: InvalidateRange) => void)[] | null = null;
  private whenEnded: ((range: InvalidateRange & { readonly endedAt: number }) => void)[] | null = null;

  /** @internal made by MmuNotifiers */
  constructor(
    scheduler: Scheduler,
    readonly mm: MmRef,
    readonly event: MmuNotifierEvent,
    /** First address, in bytes, page-aligned. */
    readonly start: number,
    /** First address behind the range. */
    readonly end: number,
    /** False if subscribers may not sleep: they must quiesce at once or refuse. */
    readonly blockable: boolean,
    /** Cookie of the device on whose behalf this happens (MIGRATE, EXCLUSIVE). */
    readonly owner: unknown,
  ) {
    super(scheduler);
    this.startedAt = scheduler.now;
    this.quiescedAt = scheduler.now;
  }

  get name(): string {
    const kind = this.blockable ? '' : ', non-blockable';
    return `${this.event} [0x${this.start.toString(16)}, 0x${this.end.toString(16)}) of ${this.mm.name}${kind}`;
  }

  /** Virtual time in ns at which the end was announced; null until then. */
  get endedAt(): number | null {
    this.touch(READ);
    return this.ended;
  }

  /** True while subscribers hear of its start: only now may they hold or refuse it. */
  get announcing(): boolean {
    return this.beingAnnounced;
  }

  /** True once nobody has or can take a hold, and nobody refused: the kernel changes entries from here to the end. */
  get quiet(): boolean {
    return !this.beingAnnounced && this.holds === 0 && !this.refused;
  }

  /** Whether it touches [start, end). */
  overlaps(start: number, end: number): boolean {
    return this.start < end && start < this.end;
  }

  /**
   * Keeps the kernel waiting until the hold is released, or until `quiesce` has ended if that is given.
   *
   * Legal only while the start is being announced, and only if the range is blockable.
   */
  hold(owner: string): Hold;
  hold(owner: string, quiesce: Task): TaskHandle<undefined>;
  hold(owner: string, quiesce?: Task): Hold | TaskHandle<undefined> {
    if (!this.announcing) {
      throw this.broken('R6', owner, `took a hold on ${this.name} after its start had been announced`);
    }
    if (!this.blockable) {
      throw this.broken('R6', owner, `took a hold on ${this.name}: refuse() it or quiesce without sleeping`);
    }
    const hold = this.take(owner);
    if (this.whenHeld !== null) for (const listener of this.whenHeld) listener(owner);
    if (quiesce === undefined) return hold;
    const task = releasing(hold, blaming(owner, 'quiesce', this, quiesce));
    const handle = this.scheduler.spawn(owner, task, { daemon: true });
    this.releasedBy(handle);
    return handle;
  }

  /** Answers -EAGAIN: legal only for a non-blockable range, while its start is being announced. */
  refuse(owner: string): void {
    if (!this.announcing || this.blockable) {
      const why = this.blockable ? 'a blockable range cannot be refused' : 'its start had been announced already';
      throw this.broken('R6', owner, `refused ${this.name}: ${why}`);
    }
    this.refusals++;
  }

  get refused(): boolean {
    return this.refusals > 0;
  }

  /** Calls `listener` when the end is announced. */
  onEnd(listener: (range: InvalidateRange & { readonly endedAt: number }) => void): void {
    (this.whenEnded ??= []).push(listener);
  }

  /** Calls `listener` with the owner of every hold that is taken. */
  onHeld(listener: (owner: string) => void): void {
    (this.whenHeld ??= []).push(listener);
  }

  /** Calls `listener` with the owner of every hold that is released while others remain. */
  onReleased(listener: (owner: string) => void): void {
    (this.whenReleased ??= []).push(listener);
  }

  /** Calls `listener` when the last hold is released, or when the start has been announced if nobody holds. */
  onQuiesced(listener: (range: InvalidateRange) => void): void {
    (this.whenQuiesced ??= []).push(listener);
  }

  /** @internal */
  override releasedTwice({ owner }: Hold): never {
    throw this.broken('R9', owner, `released its hold on ${this.name} twice`);
  }

  protected override holdReleased({ owner }: Hold): void {
    if (this.whenReleased === null || this.holds === 0 || this.beingAnnounced) return;
    for (const listener of this.whenReleased) listener(owner);
  }

  protected override allReleased(): void {
    this.quiescedAt = this.scheduler.now;
    if (!this.announcing) this.quiesced();
  }

  /** @internal no holds and no refusals from here on */
  seal(): void {
    this.beingAnnounced = false;
    if (this.holds === 0 && !this.refused) this.quiesced();
  }

  /** @internal */
  override expose(to: StateSink): void {
    to.add(this.announcing ? 1 : 0);
    to.add(this.refusals);
    to.add(this.ended ?? -1);
    super.expose(to);
  }

  private quiesced(): void {
    if (this.whenQuiesced === null) return;
    for (const listener of this.whenQuiesced) listener(this);
  }

  /** @internal */
  finish(): void {
    if (this.holds > 0) throw new ProtocolError('R9', KERNEL, this.name, `the kernel ended ${this.describe()}`);
    if (this.ended !== null || this.refused) {
      const why = this.refused ? 'which was refused and has no end' : 'which had ended already';
      throw new ProtocolError('R9', KERNEL, this.name, `the kernel ended ${this.name}, ${why}`);
    }
    this.touch(WRITE);
    this.ended = this.scheduler.now;
    if (this.whenEnded === null) return;
    for (const listener of this.whenEnded) listener(this as InvalidateRange & { readonly endedAt: number });
  }

  private broken(rule: ProtocolRule, owner: string, what: string): ProtocolError {
    return new ProtocolError(rule, owner, this.name, `"${owner}" ${what}`);
  }
}

const KERNEL = 'the kernel';

/** @internal what the trace says of a range */
export function traced(
  kind: string,
  { mm, event, start, end, blockable }: InvalidateRange,
): { kind: string; [field: string]: string | number | boolean } {
  return { kind, mm: mm.id, event, start, end, blockable };
}

function* releasing(hold: Hold, quiesce: Task): Task<undefined> {
  yield* quiesce;
  hold.release();
  return undefined;
}
