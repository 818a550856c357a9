import { hex, pageOf } from '../../base/index.js';
import { MmStruct } from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import type { ObservedDevice, TranslationVisitor } from '../../../devices/contract/index.js';
import type { RuleId } from '../rule-texts.js';
import { entryAllows, entryAllowsWrite } from './entry-rights.js';
import { nameOf, pageRef, returned, started, type RuleContext } from './rule-context.js';

/**
 * What devices have of a range when its start has returned: nothing may be left, and nothing in flight. R1 for all of it, R14
 * if a part was dropped, R6 if the call was not allowed to block, R15 if the driver had let go and only others kept the
 * kernel waiting, R17 for a notification that the driver had made itself.
 */
export class InvalidationRules {
  /** Translations that devices had of a range when it was announced. */
  private readonly before = new WeakMap<InvalidateRange, Map<ObservedDevice, number>>();

  constructor(
    private readonly context: RuleContext,
    private readonly devices: readonly ObservedDevice[],
  ) {
    const { ledger, system } = context;
    system.hub.start$.subscribe((range) => {
      this.count(range);
    });
    ledger.quiet$.subscribe((range) => {
      for (const device of devices) this.judge(device, range);
    });
    ledger.partlyQuiet$.subscribe(({ range, owner }) => {
      for (const device of devices) if (device.driverName === owner) this.judgeEarly(device, range);
    });
    ledger.ended$.subscribe((range) => {
      for (const device of devices) if (isOwn(device, range)) this.judgeKept(device, range);
    });
  }

  private count(range: InvalidateRange): void {
    const counts = new Map<ObservedDevice, number>();
    for (const device of this.devices) {
      let count = 0;
      forEachTranslation(device, range, () => count++);
      if (count > 0) counts.set(device, count);
    }
    if (counts.size > 0) this.before.set(range, counts);
  }

  private judge(device: ObservedDevice, range: InvalidateRange): void {
    const own = isOwn(device, range);
    const rule = own ? 'R17' : range.blockable ? 'R1' : 'R6';
    this.checkInFlight(device, range, rule);
    if (!own) this.checkLeft(device, range, rule);
  }

  /** R15: this driver has let go, somebody else has not. */
  private judgeEarly(device: ObservedDevice, range: InvalidateRange): void {
    if (isOwn(device, range)) return;
    this.checkInFlight(device, range, 'R15');
    this.checkLeft(device, range, 'R15');
  }

  /** R17: what was kept must be what the CPU has. */
  private judgeKept(device: ObservedDevice, range: InvalidateRange): void {
    forEachTranslation(device, range, (mm, address, frame, writable) => {
      const pte = mm.pageTable.get(pageOf(address));
      if (entryAllows(pte, frame) && (!writable || entryAllowsWrite(pte))) return;
      const what = `it kept its translation to frame ${String(frame)}, which the CPU does not have so any more`;
      this.context.broken('R17', nameOf(device), pageRef(mm, address), returned(range), what);
    });
  }

  private checkInFlight(device: ObservedDevice, range: InvalidateRange, rule: RuleId): void {
    device.forEachInFlight((mm, address, length, frame, _offset, write) => {
      if (mm !== range.mm || !range.overlaps(address, address + length)) return;
      const access = `a ${write ? 'write' : 'read'} of ${hex(address)} through frame ${String(frame)}`;
      this.context.broken(
        rule,
        nameOf(device),
        pageRef(mm, address),
        started(range),
        `${access} ${IN_FLIGHT[rule] ?? STILL}`,
      );
    });
  }

  private checkLeft(device: ObservedDevice, range: InvalidateRange, rule: RuleId): void {
    let left = 0;
    let first: { address: number; frame: number } | null = null;
    forEachTranslation(device, range, (_mm, address, frame) => {
      left++;
      first ??= { address, frame };
    });
    if (left === 0) return;
    const had = this.before.get(range)?.get(device) ?? 0;
    const { address, frame } = first as unknown as { address: number; frame: number };
    const partly = rule === 'R1' && left < had;
    const count = partly ? `${String(left)} of its ${String(had)} translations are` : 'its translation is';
    const what = `${count} left, to frame ${String(frame)}, ${rule === 'R15' ? EARLY : 'when the start returned'}`;
    const page = { mm: range.mm.name, address };
    this.context.broken(partly ? 'R14' : rule, nameOf(device), page, started(range), what);
  }
}

const EARLY = 'when its driver had let go, while others still held the range';
const STILL = 'was in flight when the start returned';
const IN_FLIGHT: Partial<Record<RuleId, string>> = { R15: `was in flight ${EARLY}` };

/** Whether the device's driver made the notification itself. */
function isOwn(device: ObservedDevice, range: InvalidateRange): boolean {
  return range.owner !== null && range.owner === device.cookie;
}

function forEachTranslation(
  device: ObservedDevice,
  { mm, start, end }: InvalidateRange,
  visit: TranslationVisitor,
): void {
  if (mm instanceof MmStruct) device.forEachTranslation(mm, start, end, visit);
}
