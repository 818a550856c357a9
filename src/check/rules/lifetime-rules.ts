import type { MmStruct } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { Happening } from '../violation.js';
import { nameOf, pageRef, type RuleContext } from './rule-context.js';

/** A page that a device has translations to: how many, and the last. */
interface Use {
  count: number;
  mm: MmStruct;
  address: number;
  time: number;
}

/** K2: no frame is freed that a device has a translation to. R13: no command names a key that was destroyed. */
export class LifetimeRules {
  private readonly uses = new Map<number, Use>();

  constructor(
    private readonly context: RuleContext,
    private readonly device: ObservedDevice,
  ) {
    const { memory } = context.system;
    memory.freeing$.subscribe((folio) => {
      if (this.uses.size > 0) this.freeing(folio, memory.frames.pages(folio));
    });
  }

  installed(mm: MmStruct, address: number, frame: number): void {
    const time = this.context.system.simulation.now;
    const use = this.uses.get(frame);
    if (use === undefined) this.uses.set(frame, { count: 1, mm, address, time });
    else Object.assign(use, { count: use.count + 1, mm, address, time });
  }

  removed(frame: number): void {
    const use = this.uses.get(frame);
    if (use !== undefined && --use.count === 0) this.uses.delete(frame);
  }

  /** When the device got its latest translation to a frame; null if it has none. */
  made(frame: number): Happening | null {
    const use = this.uses.get(frame);
    return use === undefined ? null : { time: use.time, what: `its translation to frame ${String(frame)} was made` };
  }

  deadKeyUsed(key: string, destroyedAt: number, command: string): void {
    const before = { time: destroyedAt, what: `${key} was destroyed` };
    this.context.broken('R13', nameOf(this.device), null, before, `its driver sent a command for it: ${command}`);
  }

  private freeing(folio: number, pages: number): void {
    for (let frame = folio; frame < folio + pages; frame++) {
      const use = this.uses.get(frame);
      if (use === undefined) continue;
      const before = { time: use.time, what: `${nameOf(this.device)} made a translation to frame ${String(frame)}` };
      const what = 'the frame was freed, and the translation is still there';
      this.context.broken('K2', 'the kernel', pageRef(use.mm, use.address), before, what);
    }
  }
}
