import { PAGE_SIZE } from '../../base/index.js';
import { pteFrame, ptePresent, pteWritable, type EntryChange } from '../../mm/index.js';
import { lends } from './entry-rights.js';
import { driverNamed, pageRef, started, type RuleContext } from './rule-context.js';

export const KERNEL = 'the kernel';

/**
 * What the kernel promises to drivers: K1, that an entry loses its page or a right only after the start has returned and
 * before the end; R9, that every start has one end, and a refused one none.
 */
export class KernelRules {
  constructor(private readonly context: RuleContext) {
    const { system, ledger } = context;
    system.entryChanges$.subscribe((change) => {
      if (takesAway(change)) this.announced(change);
    });
    ledger.strayEnds$.subscribe((range) => {
      context.broken('R9', KERNEL, null, null, `${range.name} ended without a start`);
    });
  }

  /** R9: called when nothing should be under way any more. */
  finish(): void {
    const { context } = this;
    for (const range of context.ledger.open) {
      const who = range.holds > 0 ? driverNamed(range.holders[0]) : KERNEL;
      context.broken('R9', who, null, started(range), `${range.name} has no end`);
    }
  }

  /** K1. */
  private announced({ mm, page, pages, was }: EntryChange): void {
    const { ledger } = this.context;
    const start = page * PAGE_SIZE;
    const end = start + pages * PAGE_SIZE;
    if (ledger.covers(mm, start, end)) return;
    const held = ledger.openOver(mm, start, end);
    const what = `its entry for frame ${String(pteFrame(was))} was taken away`;
    const why = held === null ? `${what} outside of any range` : `${what} while ${held.describe()}`;
    this.context.broken('K1', KERNEL, pageRef(mm, start), held === null ? null : started(held), why);
  }
}

/** Whether who follows the old entry would do what the new one does not allow. */
function takesAway({ was, now }: EntryChange): boolean {
  if (!lends(was)) return false;
  // What a device has to itself it loses with any change.
  if (!ptePresent(was) || !ptePresent(now)) return true;
  return pteFrame(was) !== pteFrame(now) || (pteWritable(was) && !pteWritable(now));
}
