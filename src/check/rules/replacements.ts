import { PAGE_SIZE, hex, pageOf } from '../../base/index.js';
import { pteFrame, ptePresent, type EntryChange, type MmStruct } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { Happening } from '../violation.js';
import { PageMap } from './page-map.js';
import type { RuleContext } from './rule-context.js';

/** A page that another took the place of. */
interface Replacement {
  readonly serial: number;
  readonly happening: Happening;
}

/**
 * What R18 is judged by: in which order pages were replaced by others (copied on write, migrated), and the newest that a
 * device has read.
 */
export class Replacements {
  private readonly latest = new PageMap<Replacement>();
  private readonly newest = new Map<ObservedDevice, Replacement>();
  /** Frames whose entries are gone for the moment: pages in the middle of being replaced. */
  private readonly leaving = new PageMap<number>();
  private serial = 0;

  constructor(private readonly context: RuleContext) {
    context.system.entryChanges$.subscribe((change) => {
      if (change.pages === 1) this.note(change);
    });
  }

  /** A device reads the page that is mapped at an address. */
  seen(device: ObservedDevice, mm: MmStruct, address: number): void {
    if (this.serial === 0) return;
    const replacement = this.latest.get(mm, pageOf(address));
    if (replacement === undefined || replacement.serial <= (this.newest.get(device)?.serial ?? 0)) return;
    this.newest.set(device, replacement);
  }

  /** What a device has read although it is newer than the page that it still reads at an address; null if nothing. */
  newerSeen(device: ObservedDevice, mm: MmStruct, address: number): Happening | null {
    const newest = this.newest.get(device);
    const here = this.latest.get(mm, pageOf(address));
    return newest !== undefined && here !== undefined && newest.serial > here.serial ? newest.happening : null;
  }

  private note({ mm, page, was, now }: EntryChange): void {
    if (ptePresent(was) && !ptePresent(now)) {
      this.leaving.set(mm, page, pteFrame(was));
      return;
    }
    if (!ptePresent(now)) return;
    const before = ptePresent(was) ? pteFrame(was) : this.leaving.get(mm, page);
    this.leaving.delete(mm, page);
    if (before === undefined || before === pteFrame(now)) return;
    const place = `frame ${String(pteFrame(now))} took the place of frame ${String(before)} at ${hex(page * PAGE_SIZE)}`;
    const happening = this.context.now(`${place}, and the device has read it`);
    this.latest.set(mm, page, { serial: ++this.serial, happening });
  }
}
