import { PAGE_SIZE, pageOf } from '../../base/index.js';
import { HotStream } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import { PageMap } from './page-map.js';
import type { RuleContext } from './rule-context.js';

/** A page as HMM told it to a driver, until the driver makes a translation of it. */
export interface PendingRead {
  readonly mm: MmStruct;
  readonly address: number;
  readonly time: number;
  /** The invalidation that has made it void; null if none has. */
  spoiledBy: InvalidateRange | null;
}

/** What drivers have read from page tables, and whether it still holds: a generation per page and reader. */
export class HmmReads {
  /** A page is read again because an invalidation made the last answer void. */
  readonly retries$ = new HotStream<PendingRead>();

  private readonly reads = new PageMap<PendingRead>();

  constructor(context: RuleContext) {
    const { system, ledger } = context;
    system.hmmReads$.subscribe(({ mm, address }) => {
      this.read(mm, address, system.simulation.now);
    });
    ledger.quiet$.subscribe((range) => {
      this.reads.forEach(range.mm, pageOf(range.start), Math.ceil(range.end / PAGE_SIZE), (_page, read) => {
        read.spoiledBy ??= range;
      });
    });
  }

  /** The read that a translation is made of; it is used up with that. */
  take(mm: MmStruct, address: number): PendingRead | null {
    const page = pageOf(address);
    const read = this.reads.get(mm, page);
    if (read === undefined) return null;
    this.reads.delete(mm, page);
    return read;
  }

  private read(mm: MmStruct, address: number, time: number): void {
    const page = pageOf(address);
    const last = this.reads.get(mm, page);
    this.reads.set(mm, page, { mm, address, time, spoiledBy: null });
    if (last !== undefined && last.spoiledBy !== null) this.retries$.emit(last);
  }
}
