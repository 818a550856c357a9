import { SimulationError } from '../engine/index.js';
import { ORDER_MASK, ORDER_SHIFT, PG_ALLOCATED, PG_TAIL } from './page-flags.js';

/** A small folio's pin counts as this many references: FOLL_PIN's GUP_PIN_COUNTING_BIAS. */
export const GUP_PIN_COUNTING_BIAS = 1024;

/** Most page table entries that can map one frame. */
const MAX_MAPCOUNT = 0xffff;

/**
 * Linux's memmap: one row per frame of physical memory, a column per property, 18 bytes a row.
 *
 * A folio is 2^order frames that begin at a multiple of that number and is named by its first frame. References, flags,
 * owner and index are the folio's and lie in its first row; map counts are each frame's own. The columns are as long as
 * memory is, and cost what is touched of them.
 */
export class FrameTable {
  /** Number of references to the folio; pins of small folios are in here. 0 for a free frame. */
  readonly refcount: Int32Array;
  /** Number of page table entries that map this frame. */
  readonly mapcount: Uint16Array;
  /** PG_* and the order. */
  readonly flags: Int32Array;
  /** Id of the address space or anon_vma that the folio belongs to; 0 for none. */
  readonly owner: Int32Array;
  /** The folio's first page number within its owner. Tails keep the number of their first frame here. */
  readonly index: Int32Array;

  /** Pins of large folios, which are counted exactly (folio->_pincount). */
  private readonly pins = new Map<number, number>();

  /** @param count frames of memory, at most 2^26 (256 GiB) */
  constructor(readonly count: number) {
    if (!(count >= 1 && count <= 1 << 26)) {
      throw new SimulationError(`memory must have 1 to 2^26 frames, not ${String(count)}`);
    }
    this.refcount = new Int32Array(count);
    this.mapcount = new Uint16Array(count);
    this.flags = new Int32Array(count);
    this.owner = new Int32Array(count);
    this.index = new Int32Array(count);
  }

  /** The folio that a frame belongs to. */
  folioOf(frame: number): number {
    return (this.flags[frame] & PG_TAIL) === 0 ? frame : this.index[frame];
  }

  order(folio: number): number {
    return (this.flags[folio] & ORDER_MASK) >>> ORDER_SHIFT;
  }

  /** Number of frames of a folio. */
  pages(folio: number): number {
    return 1 << this.order(folio);
  }

  has(folio: number, flag: number): boolean {
    return (this.flags[folio] & flag) !== 0;
  }

  set(folio: number, flag: number): void {
    this.flags[folio] |= flag;
  }

  clear(folio: number, flag: number): void {
    this.flags[folio] &= ~flag;
  }

  /** Clears a flag and returns whether it was set. */
  testAndClear(folio: number, flag: number): boolean {
    const was = this.has(folio, flag);
    this.flags[folio] &= ~flag;
    return was;
  }

  /** Number of page table entries that map any frame of the folio. */
  folioMapcount(folio: number): number {
    const pages = this.pages(folio);
    if (pages === 1) return this.mapcount[folio];
    let sum = 0;
    for (let i = 0; i < pages; i++) sum += this.mapcount[folio + i];
    return sum;
  }

  get(folio: number, references = 1): void {
    if (this.refcount[folio] <= 0) throw this.broken(folio, 'a reference was taken to a free folio');
    this.refcount[folio] += references;
  }

  /** Drops references and returns true if they were the last ones: the caller must then free the folio. */
  drop(folio: number, references = 1): boolean {
    const left = this.refcount[folio] - references;
    if (left < 0) throw this.broken(folio, `${String(references)} references dropped`);
    this.refcount[folio] = left;
    return left === 0;
  }

  /** One more entry maps a frame. The column counts to 65,535. */
  map(frame: number): void {
    if (this.mapcount[frame] === MAX_MAPCOUNT) {
      throw this.broken(frame, `one more than ${MAX_MAPCOUNT.toLocaleString('en-US')} entries would map it`);
    }
    this.mapcount[frame]++;
  }

  /** try_grab_folio with FOLL_PIN: one more pin on the folio of that frame. */
  pin(frame: number): void {
    const folio = this.folioOf(frame);
    if (this.order(folio) === 0) {
      this.get(folio, GUP_PIN_COUNTING_BIAS);
      return;
    }
    this.get(folio, 1);
    this.pins.set(folio, (this.pins.get(folio) ?? 0) + 1);
  }

  /** Drops a pin; true if it was the folio's last reference. */
  unpin(frame: number): boolean {
    const folio = this.folioOf(frame);
    if (this.order(folio) === 0) return this.drop(folio, GUP_PIN_COUNTING_BIAS);
    const pins = this.pins.get(folio) ?? 0;
    if (pins === 0) throw this.broken(folio, 'unpinned, but not pinned');
    if (pins === 1) this.pins.delete(folio);
    else this.pins.set(folio, pins - 1);
    return this.drop(folio, 1);
  }

  /** folio_maybe_dma_pinned: false is certain; true may be a small folio with 1024 ordinary references. */
  maybeDmaPinned(folio: number): boolean {
    return this.order(folio) === 0 ? this.refcount[folio] >= GUP_PIN_COUNTING_BIAS : this.pins.has(folio);
  }

  isAllocated(frame: number): boolean {
    return (this.flags[frame] & PG_ALLOCATED) !== 0;
  }

  private broken(folio: number, what: string): SimulationError {
    return new SimulationError(`folio ${String(folio)} (refcount ${String(this.refcount[folio])}): ${what}`);
  }
}
