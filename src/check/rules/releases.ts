import { ULONG_MAX } from '../../../notifiers/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import { MmStruct } from '../../mm/index.js';
import type { Happening } from '../violation.js';
import { nameOf, pageRef, type RuleContext } from './rule-context.js';

/** R12, where an mm goes away: its drivers have let go by then. What they do with it later is judged where they do it. */
export class Releases {
  private readonly released = new Map<number, Happening>();

  constructor(
    private readonly context: RuleContext,
    devices: readonly ObservedDevice[],
  ) {
    context.system.hub.released$.subscribe((mm) => {
      this.released.set(mm.id, context.now(`the release of ${mm.name} returned`));
      if (!(mm instanceof MmStruct)) return;
      for (const device of devices) this.check(device, mm);
    });
  }

  /** When the mm was released; null if it was not. */
  of(mm: MmStruct): Happening | null {
    return this.released.get(mm.id) ?? null;
  }

  private check(device: ObservedDevice, mm: MmStruct): void {
    device.forEachTranslation(mm, 0, ULONG_MAX, (_mm, address, frame) => {
      const what = `it still has a translation to frame ${String(frame)}`;
      this.context.broken('R12', nameOf(device), pageRef(mm, address), this.of(mm), what);
    });
  }
}
