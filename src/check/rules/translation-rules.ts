import { PAGE_SIZE, pageOf } from '../../base/index.js';
import { formatNs } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { Happening } from '../violation.js';
import { entryAllows, entryAllowsWrite, mappedThere } from './entry-rights.js';
import type { HmmReads, PendingRead } from './hmm-reads.js';
import type { Releases } from './releases.js';
import { nameOf, pageRef, returned, type RuleContext } from './rule-context.js';

/** Every translation, when it is made: R2, R3, R10 and R12. */
export class TranslationRules {
  constructor(
    private readonly context: RuleContext,
    private readonly device: ObservedDevice,
    private readonly releases: Releases,
    private readonly reads: HmmReads,
  ) {}

  installed(mm: MmStruct, address: number, frame: number, writable: boolean): void {
    const { context, device } = this;
    const page = pageRef(mm, address);
    const made = `a translation to frame ${String(frame)} was made`;
    const released = this.releases.of(mm);
    if (released !== null) context.broken('R12', nameOf(device), page, released, made);
    const range = context.ledger.quietOver(mm, address, address + PAGE_SIZE);
    if (range !== null && (range.owner === null || range.owner !== device.cookie)) {
      context.broken('R2', nameOf(device), page, returned(range), made);
    }
    const read = this.reads.take(mm, address);
    if (read?.spoiledBy !== null && read !== null) this.spoiled(read, frame);
    const pte = mm.pageTable.get(pageOf(address));
    if (!entryAllows(pte, frame)) {
      const before = context.lastInvalidation(mm, address);
      context.broken('R3', nameOf(device), page, before, `${made}, where ${mappedThere(pte)} mapped`);
    }
    if (writable && !entryAllowsWrite(pte)) {
      const before = read === null ? context.lastInvalidation(mm, address) : toldToRead(read);
      context.broken('R10', nameOf(device), page, before, `${made}, for writing, where the CPU may only read`);
    }
  }

  private spoiled({ mm, address, time, spoiledBy }: PendingRead, frame: number): void {
    if (spoiledBy === null) return;
    const made = `a translation to frame ${String(frame)} was made of what had been read at ${formatNs(time)}`;
    this.context.broken('R3', nameOf(this.device), pageRef(mm, address), returned(spoiledBy), made);
  }
}

function toldToRead({ time }: PendingRead): Happening {
  return { time, what: 'HMM found it mapped for reading' };
}
