import { PAGE_SIZE } from '../../base/index.js';
import { MS } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { HmmReads, PendingRead } from './hmm-reads.js';
import { nameOf, pageRef, type RuleContext } from './rule-context.js';

/** HMM_RANGE_DEFAULT_TIMEOUT twice over: by then a driver that keeps it has given up, whenever it began. */
const PATIENCE = 2000 * MS;
/** Retries behind that which can still be one that began before. */
const BENEFIT_OF_DOUBT = 1;

/** A page fault that its driver has not answered. */
interface Outstanding {
  readonly mm: MmStruct;
  readonly start: number;
  readonly end: number;
  readonly raisedAt: number;
  /** True once an invalidation has touched its pages, or a translation of them was dropped. */
  disturbed: boolean;
  lateRetries: number;
}

/** R16: a driver gives a fault up when its time is over, and does not answer "try again" where nothing has changed. */
export class ProgressRules {
  private readonly faults = new Map<object, Outstanding>();

  constructor(
    private readonly context: RuleContext,
    private readonly device: ObservedDevice,
    reads: HmmReads,
  ) {
    context.system.hub.start$.subscribe((range) => {
      this.disturb(range);
    });
    reads.retries$.subscribe((read) => {
      if (this.faults.size > 0) this.retried(read);
    });
  }

  raised(fault: object, mm: MmStruct, address: number, length: number): void {
    const raisedAt = this.context.system.simulation.now;
    const disturbed = this.context.ledger.openOver(mm, address, address + length) !== null;
    this.faults.set(fault, { mm, start: address, end: address + length, raisedAt, disturbed, lateRetries: 0 });
  }

  ended(fault: object, outcome: 'retry' | 'error'): void {
    const outstanding = this.faults.get(fault);
    this.faults.delete(fault);
    if (outstanding === undefined || outcome === 'error' || outstanding.disturbed) return;
    const { mm, start, raisedAt } = outstanding;
    let found = 0;
    this.device.forEachTranslation(mm, start, start + PAGE_SIZE, () => found++);
    if (found > 0) return;
    const before = { time: raisedAt, what: 'the device raised a page fault' };
    const what = 'it was told to try again, without a translation';
    this.context.broken('R16', nameOf(this.device), pageRef(mm, start), before, what);
  }

  removed(mm: MmStruct, address: number): void {
    for (const fault of this.faults.values()) {
      if (fault.mm === mm && fault.start <= address && address < fault.end) fault.disturbed = true;
    }
  }

  private disturb(range: InvalidateRange): void {
    for (const fault of this.faults.values()) {
      if (fault.mm === range.mm && range.overlaps(fault.start, fault.end)) fault.disturbed = true;
    }
  }

  private retried({ mm, address }: PendingRead): void {
    const { now } = this.context.system.simulation;
    for (const fault of this.faults.values()) {
      if (fault.mm !== mm || address !== fault.start || now - fault.raisedAt < PATIENCE) continue;
      if (++fault.lateRetries <= BENEFIT_OF_DOUBT) continue;
      const before = { time: fault.raisedAt, what: 'the device raised a page fault' };
      this.context.broken('R16', nameOf(this.device), pageRef(mm, address), before, 'its driver still tries');
    }
  }
}
