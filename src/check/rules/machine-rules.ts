import { hex, pageOf } from '../../base/index.js';
import {
  PG_HWPOISON,
  PG_RESERVED,
  PG_TAIL,
  PG_WRITEBACK,
  pteFrame,
  ptePresent,
  pteWritable,
  type MmStruct,
  type MmSystem,
} from '../../mm/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import { SAYS } from '../rule-texts.js';
import { RuleViolation, type RuleId } from '../violation.js';

/** A device whose translations can be looked at. */
interface Translating {
  forEachTranslation(visit: (mm: MmStruct, address: number, frame: number, writable: boolean) => void): void;
}

/**
 * What must hold of a machine while nothing is under way in it: R9, R10 and R11 for all that its device has, and R19 in
 * the end.
 */
export class MachineRules {
  private readonly underWay = new Set<InvalidateRange>();

  constructor(
    private readonly system: MmSystem,
    private readonly device: Translating,
  ) {
    const { hub } = system;
    hub.start$.subscribe((range) => this.underWay.add(range));
    hub.refused$.subscribe((range) => this.underWay.delete(range));
    hub.end$.subscribe((range) => {
      if (!this.underWay.delete(range)) this.broken('R9', 'the kernel', `${range.name} ended without a start`);
    });
  }

  /** R10 and R11: the device has what the CPU has, and no more rights. */
  afterStep(): void {
    this.device.forEachTranslation((mm, address, frame, writable) => {
      const pte = mm.pageTable.get(pageOf(address));
      if (!ptePresent(pte) || pteFrame(pte) !== frame) {
        const now = ptePresent(pte) ? `frame ${String(pteFrame(pte))} is` : 'nothing is';
        this.broken('R11', 'the device', `it has frame ${String(frame)} for ${hex(address)}, where ${now} mapped`);
      }
      if (writable && !pteWritable(pte))
        this.broken('R10', 'the device', `it may write ${hex(address)}, the CPU may not`);
    });
  }

  /** R9 and R19: called when the last process has gone. */
  atEnd(): void {
    for (const range of this.underWay) this.broken('R9', 'the kernel', `${range.name} has no end`);
    const { pins, memory } = this.system;
    if (pins.pinned !== 0) this.broken('R19', 'the kernel', `${String(pins.pinned)} pages are pinned`);
    const { frames } = memory;
    for (let frame = 1; frame < frames.count; frame++) {
      if (frames.isAllocated(frame) && !frames.has(frame, PG_TAIL)) this.checkFolio(frame);
    }
  }

  private checkFolio(folio: number): void {
    const { system } = this;
    const { frames } = system.memory;
    // What is broken stays out of use.
    if (frames.has(folio, PG_RESERVED | PG_HWPOISON) || system.isZero(folio) || frames.refcount[folio] === 0) return;
    const what = `folio ${String(folio)} of ${String(frames.pages(folio))} pages`;
    if (frames.folioMapcount(folio) > 0) this.broken('R19', 'the kernel', `${what} is mapped`);
    const mapping = system.mappingOf(folio);
    if (mapping === null) this.broken('R19', 'the kernel', `${what} is nobody's and not free`);
    if (mapping.pages.get(frames.index[folio]) !== folio) {
      this.broken('R19', 'the kernel', `${what} is not in the cache of ${mapping.name}`);
    }
    const expected = frames.pages(folio) + (frames.has(folio, PG_WRITEBACK) ? 1 : 0);
    const found = frames.refcount[folio];
    if (found === expected) return;
    this.broken('R19', 'the kernel', `${what} has ${String(found)} references, not ${String(expected)}`);
  }

  private broken(rule: RuleId, device: string, saw: string): never {
    const { now, seed } = this.system.simulation;
    throw new RuleViolation({ rule, says: SAYS[rule], device, saw }, now, seed);
  }
}
