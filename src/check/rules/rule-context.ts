import { PAGE_SIZE, pageAlignDown } from '../../base/index.js';
import type { MmStruct, MmSystem } from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { RuleId } from '../rule-texts.js';
import type { Happening, PageRef } from '../violation.js';
import { broken } from './broken.js';
import { RangeLedger } from './range-ledger.js';

/** What every rule needs: the machine, its invalidations, and somewhere to say that it is broken. */
export class RuleContext {
  readonly ledger: RangeLedger;
  /** How many entries of page tables have changed so far: what was true of one still is while this stays the same. */
  entryChanges = 0;

  constructor(readonly system: MmSystem) {
    this.ledger = new RangeLedger(system.hub);
    system.entryChanges$.subscribe(() => this.entryChanges++);
  }

  /** Something that happens at this instant. */
  now(what: string): Happening {
    return { time: this.system.simulation.now, what };
  }

  /** The invalidation that came last to a page; null if none is remembered. */
  lastInvalidation(mm: MmStruct, address: number): Happening | null {
    const page = pageAlignDown(address);
    const range = this.ledger.lastOver(mm, page, page + PAGE_SIZE);
    return range === null ? null : started(range);
  }

  /** @throws RuleViolation always */
  broken(rule: RuleId, device: string, page: PageRef | null, before: Happening | null, after: string): never {
    broken(this.system.simulation, rule, device, page, before, after);
  }
}

/** How a violation names a device. */
export function nameOf({ name, driverName }: ObservedDevice): string {
  return driverName === name ? name : `${driverNamed(driverName)} of ${name}`;
}

/** How a violation names a driver of which no more is known than its name. */
export function driverNamed(name: string): string {
  return `driver "${name}"`;
}

export function pageRef(mm: MmStruct, address: number): PageRef {
  return { mm: mm.name, address: pageAlignDown(address) };
}

/** A range's start; and its end, if it has ended. */
export function started(range: InvalidateRange): Happening {
  return { time: range.startedAt, what: `${range.name} started` };
}

/** The return of a range's start: the kernel acts from here on. */
export function returned(range: InvalidateRange): Happening {
  return { time: range.quiescedAt, what: `the start of ${range.name} returned` };
}
