import { PAGE_SIZE, pageAlignDown, pageOf } from '../../base/index.js';
import { PG_DIRTY, PTE_DIRTY, pteFrame, ptePresent, type MmStruct } from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { Happening } from '../violation.js';
import { PageMap } from './page-map.js';
import { nameOf, pageRef, type RuleContext } from './rule-context.js';

/** A page that a device has written and nothing says so. */
interface Written {
  readonly device: ObservedDevice;
  readonly mm: MmStruct;
  readonly frame: number;
  readonly happening: Happening;
}

/** A folio that a device could write until an invalidation. */
interface LetGo {
  readonly device: ObservedDevice;
  readonly mm: MmStruct;
  readonly address: number;
  readonly happening: Happening;
}

/**
 * R5. What a device has written must be known to be dirty when the start returns, by the folio or by the CPU's entry: only
 * where neither is so when it writes does the driver's word count, and is waited for. And a folio of a file that the device
 * has let go of must not become dirty behind the file system's back, without a page_mkwrite.
 */
export class DirtyRules {
  private readonly written = new PageMap<Written>();
  private readonly letGo = new Map<number, LetGo>();

  constructor(private readonly context: RuleContext) {
    const { ledger, system } = context;
    ledger.quiet$.subscribe((range) => {
      this.judge(range);
    });
    system.dirtying$.subscribe((folio) => {
      if (this.letGo.size > 0) this.dirtied(folio);
    });
    system.memory.freeing$.subscribe((folio) => this.letGo.delete(folio));
  }

  /** A device writes to a page that the CPU's entry does not call dirty. */
  wrote(device: ObservedDevice, mm: MmStruct, address: number, frame: number): void {
    const { system } = this.context;
    const { frames } = system.memory;
    if (frames.has(frames.folioOf(frame), PG_DIRTY)) return;
    const happening = this.context.now('the device wrote to it');
    this.written.set(mm, pageOf(address), { device, mm, frame, happening });
  }

  /** A writable translation is gone. */
  removed(device: ObservedDevice, mm: MmStruct, address: number, frame: number): void {
    const folio = this.context.system.memory.frames.folioOf(frame);
    const happening = this.context.now('the device let go of it');
    this.letGo.set(folio, { device, mm, address, happening });
  }

  private judge(range: InvalidateRange): void {
    const { mm, start, end } = range;
    this.written.forEach(mm, pageOf(start), Math.ceil(end / PAGE_SIZE), (page, written) => {
      this.written.delete(mm, page);
      this.mustBeDirty(range, page, written);
    });
  }

  private mustBeDirty(range: InvalidateRange, page: number, { device, mm, frame, happening }: Written): void {
    const { frames } = this.context.system.memory;
    const pte = mm.pageTable.get(page);
    if (frames.has(frames.folioOf(frame), PG_DIRTY)) return;
    if (ptePresent(pte) && pteFrame(pte) === frame && (pte & PTE_DIRTY) !== 0) return;
    const what = `the start of ${range.name} returned, and neither the folio nor the entry is dirty`;
    this.context.broken('R5', nameOf(device), pageRef(mm, page * PAGE_SIZE), happening, what);
  }

  private dirtied(folio: number): void {
    const { system, ledger } = this.context;
    const { memory } = system;
    const gone = this.letGo.get(folio);
    if (gone === undefined || memory.frames.has(folio, PG_DIRTY)) return;
    if (system.mappingOf(folio)?.options.canWriteback !== true) return;
    // Who has the folio locked, or pinned, has the file system's leave; inside a range it is the driver's duty.
    if (memory.lockedByMe(folio) || memory.frames.maybeDmaPinned(folio)) return;
    const page = pageAlignDown(gone.address);
    if (ledger.openOver(gone.mm, page, page + PAGE_SIZE) !== null) return;
    const what = `folio ${String(folio)} was dirtied, without page_mkwrite and outside of any range`;
    this.context.broken('R5', nameOf(gone.device), pageRef(gone.mm, page), gone.happening, what);
  }
}
