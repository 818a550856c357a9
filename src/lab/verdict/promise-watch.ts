import type { Inode } from '../../fs/index.js';
import type { AcknowledgedData } from './acknowledged-data.js';
import { NO_HARM, addVerdicts, judgePage, type Verdict } from './verdict.js';

/**
 * Whether what fsync says is true, each time it says so: after every fsync of a file, what of all that was promised the
 * disk would lack if the power failed at that instant.
 *
 * Looks only at pages whose promise or whose place on the disk has changed since the last look.
 */
export class PromiseWatch {
  /** What a power loss at the last look would have taken. */
  now: Verdict = NO_HARM;

  /** Pages that are not as they were promised. */
  private readonly harmed = new Map<number, Verdict>();
  /** Pages that have been written to the disk, until what was written is durable. */
  private readonly unsettled = new Set<number>();

  constructor(
    private readonly inode: Inode,
    private readonly data: AcknowledgedData,
  ) {
    inode.fs.pageWritten$.subscribe((written) => {
      if (written.inode === inode) this.unsettled.add(written.page);
    });
  }

  /** An fsync has returned that covers these pages. */
  look(covered: ReadonlySet<number>): void {
    for (const page of covered) this.judge(page);
    for (const page of this.unsettled) {
      if (!covered.has(page)) this.judge(page);
      if (!this.harmed.has(page) && this.isCommitted(page)) this.unsettled.delete(page);
    }
  }

  /** Whether a power loss finds the page where it is now. */
  private isCommitted(page: number): boolean {
    const { blocks } = this.inode;
    const now = blocks.record(page);
    const durable = blocks.durableRecord(page);
    return now?.block === durable?.block && now?.checksum === durable?.checksum;
  }

  private judge(page: number): void {
    const before = this.harmed.get(page);
    const after = judgePage(this.inode, this.data, page);
    if (before !== undefined) this.now = addVerdicts(this.now, before, -1);
    this.now = addVerdicts(this.now, after);
    if (after.lostBytes + after.tornBlocks + after.badChecksums > 0) this.harmed.set(page, after);
    else this.harmed.delete(page);
  }
}
