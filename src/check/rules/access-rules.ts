import { hex, pageOf } from '../../base/index.js';
import type { Simulation } from '../../engine/index.js';
import { pteFrame, ptePresent, pteWritable, type MmStruct } from '../../mm/index.js';
import type { InvalidateRange, NotifierHub } from '../../../notifiers/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import type { DmaOp, Nic } from '../../../devices/nic/index.js';
import { SAYS } from '../rule-texts.js';
import { RuleViolation, type RuleId } from '../violation.js';

/** Where a key's memory lies in its process. */
interface WatchedRegion {
  readonly mm: MmStruct;
  /** Add this to an address of the key to get one of the process. */
  readonly shift: number;
}

/**
 * Watches every access of a device that follows mmu notifiers: R1, R2, R10 and R11, against the page tables and the
 * invalidations under way, not against what the driver says of itself.
 *
 * An access is judged when the device issues it: it cannot be taken back. R1 is judged when an invalidation has
 * quiesced, by what is in flight then.
 */
export class AccessRules {
  private readonly regions = new Map<object, WatchedRegion>();
  /** The key of the last access and its region: accesses come in runs. */
  private lastKey: object | null = null;
  private lastRegion: WatchedRegion | undefined = undefined;
  /** Ranges whose start has been announced and whose end has not. */
  private readonly underWay = new Set<InvalidateRange>();
  /** Those of them that have quiesced: kept as a count, because it is nearly always 0. */
  private quiesced = 0;

  constructor(
    private readonly simulation: Simulation,
    hub: NotifierHub,
    private readonly nics: readonly Nic[],
  ) {
    hub.start$.subscribe((range) => {
      this.started(range);
    });
    hub.refused$.subscribe((range) => this.underWay.delete(range));
    hub.end$.subscribe((range) => {
      this.ended(range);
    });
    for (const nic of nics) {
      nic.dma.issued$.subscribe((op) => {
        this.issued(nic, op);
      });
    }
  }

  /** Accesses through this region's key are watched from now on. */
  watch(region: MemoryRegion): void {
    this.regions.set(region.mkey, { mm: region.mm, shift: region.start - region.mkey.iova });
    this.lastKey = null;
  }

  /** R9: called when nothing should be under way any more. */
  finish(): void {
    for (const range of this.underWay) this.broken('R9', 'the kernel', `${range.name} has no end`);
  }

  private started(range: InvalidateRange): void {
    this.underWay.add(range);
    range.onQuiesced(() => {
      this.quiesced++;
      this.checkInFlight(range);
    });
  }

  private ended(range: InvalidateRange): void {
    if (!this.underWay.delete(range)) this.broken('R9', 'the kernel', `${range.name} ended without a start`);
    this.quiesced--;
  }

  /** R1. */
  private checkInFlight(range: InvalidateRange): void {
    for (const nic of this.nics) {
      for (const op of nic.dma.inFlight()) {
        const region = op.mkey === null ? undefined : this.regions.get(op.mkey);
        if (region === undefined || region.mm !== range.mm) continue;
        const address = op.address + region.shift;
        if (!range.overlaps(address, address + op.length)) continue;
        this.broken('R1', nameOf(nic), `a ${op.kind} of ${hex(address)} is in flight while ${range.name} has quiesced`);
      }
    }
  }

  private issued(nic: Nic, op: DmaOp): void {
    const { mkey } = op;
    if (mkey === null) return;
    if (mkey !== this.lastKey) {
      this.lastKey = mkey;
      this.lastRegion = this.regions.get(mkey);
    }
    const region = this.lastRegion;
    if (region === undefined) return;
    const address = op.address + region.shift;
    if (this.quiesced > 0) this.checkUnderWay(nic, op, region.mm, address);

    const pte = region.mm.pageTable.get(pageOf(address));
    if (!ptePresent(pte) || pteFrame(pte) !== op.frame) {
      const now = ptePresent(pte) ? `frame ${String(pteFrame(pte))} is` : 'nothing is';
      this.broken(
        'R11',
        nameOf(nic),
        `a ${op.kind} of ${hex(address)} goes to frame ${String(op.frame)}, where ${now} mapped`,
      );
    }
    if (op.kind === 'write' && !pteWritable(pte)) {
      this.broken('R10', nameOf(nic), `a write of ${hex(address)} while its page is mapped read-only`);
    }
  }

  /** R2. */
  private checkUnderWay(nic: Nic, op: DmaOp, mm: MmStruct, address: number): void {
    for (const range of this.underWay) {
      if (range.mm !== mm || range.holds > 0 || !range.overlaps(address, address + op.length)) continue;
      this.broken('R2', nameOf(nic), `a ${op.kind} of ${hex(address)} was issued while ${range.name} was under way`);
    }
  }

  private broken(rule: RuleId, device: string, saw: string): never {
    throw new RuleViolation({ rule, says: SAYS[rule], device, saw }, this.simulation.now, this.simulation.seed);
  }
}

function nameOf(nic: Nic): string {
  return nic.driver === null ? nic.name : `driver "${nic.driver.name}" of ${nic.name}`;
}
