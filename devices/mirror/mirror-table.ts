import { PAGE_SIZE, pageOf } from '../../src/base/index.js';
import type { MmStruct } from '../../src/mm/index.js';
import type { DeviceWatcher, TranslationVisitor } from '../contract/index.js';

/** What a mirror has of a page. */
export interface MirrorEntry {
  readonly frame: number;
  /** DPT_XA_TAG_WRITE: the CPU may write the page, so the device may. */
  readonly writable: boolean;
  /** DPT_XA_TAG_ATOMIC: the device has the page to itself. */
  readonly atomic: boolean;
  /** The device has written it through this entry. */
  written: boolean;
}

/** The page table of a mirror, dmirror's xarray: entries by page number. Whoever watches the device hears of every change. */
export class MirrorTable {
  private readonly entries = new Map<number, MirrorEntry>();

  constructor(
    private readonly mm: MmStruct,
    private readonly watcher: DeviceWatcher,
  ) {}

  get(page: number): MirrorEntry | undefined {
    return this.entries.get(page);
  }

  /** An entry that takes the place of another to the same frame: what has been written through that is still to be told. */
  set(page: number, frame: number, writable: boolean, atomic = false): void {
    const was = this.entries.get(page);
    this.erase(page);
    this.entries.set(page, { frame, writable, atomic, written: was?.frame === frame && was.written });
    this.watcher.installed(this.mm, page * PAGE_SIZE, frame, writable);
  }

  /** The pages of [start, end) that have an entry. */
  within(start: number, end: number): number[] {
    return [...this.entries.keys()].filter((page) => page >= pageOf(start) && page * PAGE_SIZE < end);
  }

  erase(page: number): void {
    const was = this.entries.get(page);
    if (was === undefined) return;
    this.entries.delete(page);
    this.watcher.removed(this.mm, page * PAGE_SIZE, was.frame, was.writable);
  }

  forEach(start: number, end: number, visit: TranslationVisitor): void {
    for (const page of this.within(start, end)) {
      const entry = this.entries.get(page);
      if (entry !== undefined) visit(this.mm, page * PAGE_SIZE, entry.frame, entry.writable);
    }
  }
}
