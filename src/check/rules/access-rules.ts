import { PAGE_SIZE, hex, pageOf } from '../../base/index.js';
import { PTE_DIRTY, PTE_PRESENT, type MmStruct } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import { entryAllows, entryAllowsWrite, mappedThere } from './entry-rights.js';
import type { DirtyRules } from './dirty-rules.js';
import type { LifetimeRules } from './lifetime-rules.js';
import type { Releases } from './releases.js';
import type { Replacements } from './replacements.js';
import { nameOf, pageRef, returned, type RuleContext } from './rule-context.js';

/** An entry that says itself that its page is dirty. */
const KNOWN_DIRTY = PTE_PRESENT | PTE_DIRTY;

/** What the accesses of all devices are judged by. */
interface SharedRules {
  readonly releases: Releases;
  readonly replacements: Replacements;
  /** Null for a device that is not asked to say what it has written. */
  readonly dirty: DirtyRules | null;
}

/**
 * Every access of a device, when it is issued, as it cannot be taken back then: R2 and R17 against the invalidations under
 * way, R12, and R10, R11 and R18 against the page tables as they are; R20.
 */
export class AccessRules {
  /** The last write that was found right, and how many entries had changed by then: packets come in runs. */
  private writtenMm: MmStruct | null = null;
  private writtenPage = -1;
  private writtenFrame = -1;
  private writtenAt = -1;

  constructor(
    private readonly context: RuleContext,
    private readonly device: ObservedDevice,
    private readonly lifetime: LifetimeRules,
    private readonly shared: SharedRules,
  ) {}

  accessed(mm: MmStruct, address: number, length: number, frame: number, offset: number, write: boolean): void {
    const { ledger, entryChanges } = this.context;
    if (ledger.quiet > 0) this.checkRange(mm, address, length, write);
    if (offset !== address % PAGE_SIZE) this.misplaced(mm, address, frame, offset, write);
    const page = pageOf(address);
    if (write && page === this.writtenPage && entryChanges === this.writtenAt && this.isLast(mm, frame)) return;
    const pte = mm.pageTable.get(page);
    if (!entryAllows(pte, frame)) this.stale(mm, address, frame, write, pte);
    if (!write) {
      this.shared.replacements.seen(this.device, mm, address);
      return;
    }
    if (!entryAllowsWrite(pte)) this.readOnly(mm, address, frame);
    if ((pte & KNOWN_DIRTY) !== KNOWN_DIRTY) this.shared.dirty?.wrote(this.device, mm, address, frame);
    this.writtenMm = mm;
    this.writtenPage = page;
    this.writtenFrame = frame;
    this.writtenAt = entryChanges;
  }

  private isLast(mm: MmStruct, frame: number): boolean {
    return mm === this.writtenMm && frame === this.writtenFrame;
  }

  /** R2, R17. */
  private checkRange(mm: MmStruct, address: number, length: number, write: boolean): void {
    const { context, device } = this;
    const range = context.ledger.quietOver(mm, address, address + length);
    if (range === null) return;
    const own = range.owner !== null && range.owner === device.cookie;
    const what = `${accessTo(address, write)} was issued`;
    context.broken(own ? 'R17' : 'R2', nameOf(device), pageRef(mm, address), returned(range), what);
  }

  /** R20. */
  private misplaced(mm: MmStruct, address: number, frame: number, offset: number, write: boolean): void {
    const what = `${accessTo(address, write)} goes to byte ${String(offset)} of its page`;
    this.context.broken('R20', nameOf(this.device), pageRef(mm, address), this.lifetime.made(frame), what);
  }

  /** R11; R18 if it has read something newer elsewhere; R12 if the mm is no more. */
  private stale(mm: MmStruct, address: number, frame: number, write: boolean, pte: number): void {
    const { context, device } = this;
    const what = `${accessTo(address, write)} goes to frame ${String(frame)}, where ${mappedThere(pte)} mapped`;
    const page = pageRef(mm, address);
    const released = this.shared.releases.of(mm);
    if (released !== null) context.broken('R12', nameOf(device), page, released, what);
    const newer = write ? null : this.shared.replacements.newerSeen(device, mm, address);
    if (newer !== null) context.broken('R18', nameOf(device), page, newer, what);
    const before = context.lastInvalidation(mm, address) ?? this.lifetime.made(frame);
    context.broken('R11', nameOf(device), page, before, what);
  }

  /** R10. */
  private readOnly(mm: MmStruct, address: number, frame: number): void {
    const { context, device } = this;
    const before = context.lastInvalidation(mm, address) ?? this.lifetime.made(frame);
    const what = `${accessTo(address, true)} was issued while the CPU may only read there`;
    context.broken('R10', nameOf(device), pageRef(mm, address), before, what);
  }
}

function accessTo(address: number, write: boolean): string {
  return `a ${write ? 'write' : 'read'} of ${hex(address)}`;
}
