import { hex, pageOf } from '../../base/index.js';
import { PG_HWPOISON, PG_RESERVED, PG_TAIL, PG_WRITEBACK, type MmStruct, type MmSystem } from '../../mm/index.js';
import { ULONG_MAX } from '../../../notifiers/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import { broken } from './broken.js';
import { entryAllows, entryAllowsWrite, mappedThere } from './entry-rights.js';
import { pageRef } from './rule-context.js';

/** What must hold of a machine while nothing is under way in it: R10 and R11 for all that its device has; R19 in the end. */
export class MachineRules {
  constructor(
    private readonly system: MmSystem,
    private readonly device: ObservedDevice,
  ) {}

  /** R10 and R11: the device has what the CPU has, and no more rights. */
  afterStep(mms: Iterable<MmStruct>): void {
    for (const mm of mms) {
      this.device.forEachTranslation(mm, 0, ULONG_MAX, (_mm, address, frame, writable) => {
        this.compare(mm, address, frame, writable);
      });
    }
  }

  /** R19: called when the last process has gone. */
  atEnd(): void {
    // What waits in a CPU's batch for another list is drained sooner or later.
    this.system.lruBatches.drain();
    const { pins, memory } = this.system;
    if (pins.pinned !== 0) this.left(`${String(pins.pinned)} pages are pinned`);
    const { frames } = memory;
    for (let frame = 1; frame < frames.rows; frame++) {
      if (frames.isAllocated(frame) && !frames.has(frame, PG_TAIL)) this.checkFolio(frame);
    }
  }

  private compare(mm: MmStruct, address: number, frame: number, writable: boolean): void {
    const { simulation } = this.system;
    const page = pageRef(mm, address);
    const pte = mm.pageTable.get(pageOf(address));
    if (!entryAllows(pte, frame)) {
      const what = `it has frame ${String(frame)} for ${hex(address)}, where ${mappedThere(pte)} mapped`;
      broken(simulation, 'R11', this.device.name, page, null, what);
    }
    if (!writable || entryAllowsWrite(pte)) return;
    broken(simulation, 'R10', this.device.name, page, null, `it may write ${hex(address)}, the CPU may not`);
  }

  private checkFolio(folio: number): void {
    const { system } = this;
    const { frames } = system.memory;
    // What is broken stays out of use.
    if (frames.has(folio, PG_RESERVED | PG_HWPOISON) || system.isZero(folio) || frames.refcount[folio] === 0) return;
    const what = `folio ${String(folio)} of ${String(frames.pages(folio))} pages`;
    if (frames.folioMapcount(folio) > 0) this.left(`${what} is mapped`);
    const mapping = system.mappingOf(folio);
    if (mapping === null) this.left(`${what} is nobody's and not free`);
    if (mapping.pages.get(frames.index[folio]) !== folio) {
      this.left(`${what} is not in the cache of ${mapping.name}`);
    }
    const expected = frames.pages(folio) + (frames.has(folio, PG_WRITEBACK) ? 1 : 0);
    const found = frames.refcount[folio];
    if (found === expected) return;
    this.left(`${what} has ${String(found)} references, not ${String(expected)}`);
  }

  private left(what: string): never {
    return broken(this.system.simulation, 'R19', 'the kernel', null, null, what);
  }
}
