import { SimulationError } from '../engine/index.js';
import { LargeFolio } from './large-folio.js';
import {
  MAX_ORDER,
  ORDER_MASK,
  ORDER_SHIFT,
  PG_ALLOCATED,
  PG_ANON_EXCLUSIVE,
  PG_HUGETLB,
  PG_HWPOISON,
  PG_TAIL,
} from './page-flags.js';

/** A small folio's pin counts as this many references: FOLL_PIN's GUP_PIN_COUNTING_BIAS. */
export const GUP_PIN_COUNTING_BIAS = 1024;

/** Rows that there are from the beginning: one block of the largest order. */
const FIRST_ROWS = 1 << MAX_ORDER;

/** Most page table entries that can map one frame. */
const MAX_MAPCOUNT = 0xffff;

/**
 * Linux's memmap: one row per frame of physical memory, a column per property, 18 bytes a row.
 *
 * A folio is 2^order frames that begin at a multiple of that number and is named by its first frame. References, flags,
 * owner and index are the folio's and lie in its first row; map counts are each frame's own, and so are the flags
 * PG_ANON_EXCLUSIVE and PG_HWPOISON. The columns grow with the part of memory that has been needed so far: they are other
 * arrays then, so nobody keeps one across an allocation.
 */
export class FrameTable {
  /** Number of references to the folio; pins of small folios are in here. 0 for a free frame. */
  refcount: Int32Array;
  /** Number of small page table entries that map this frame. */
  mapcount: Uint16Array;
  /** PG_* and the order. */
  flags: Int32Array;
  /** Id of the address space or anon_vma that the folio belongs to; 0 for none. */
  owner: Int32Array;
  /** The folio's first page number within its owner. Tails keep the number of their first frame here. */
  index: Int32Array;

  /** What large folios have beyond their rows. */
  private readonly large = new Map<number, LargeFolio>();

  /** @param count frames of memory, at most 2^26 (256 GiB) */
  constructor(readonly count: number) {
    if (!(count >= 1 && count <= 1 << 26)) {
      throw new SimulationError(`memory must have 1 to 2^26 frames, not ${String(count)}`);
    }
    const rows = Math.min(count, FIRST_ROWS);
    this.refcount = new Int32Array(rows);
    this.mapcount = new Uint16Array(rows);
    this.flags = new Int32Array(rows);
    this.owner = new Int32Array(rows);
    this.index = new Int32Array(rows);
  }

  /** How many frames have rows. Those behind have never been allocated, or put on a free list. */
  get rows(): number {
    return this.flags.length;
  }

  /** Called before frames below `end` are used for the first time: gives them rows. */
  reach(end: number): void {
    if (end <= this.rows) return;
    const rows = Math.min(this.count, Math.max(end, 2 * this.rows));
    this.refcount = longer(this.refcount, new Int32Array(rows));
    this.mapcount = longer(this.mapcount, new Uint16Array(rows));
    this.flags = longer(this.flags, new Int32Array(rows));
    this.owner = longer(this.owner, new Int32Array(rows));
    this.index = longer(this.index, new Int32Array(rows));
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

  /** folio_mapcount: number of entries, small and huge, that map any frame of the folio. */
  folioMapcount(folio: number): number {
    return this.large.get(folio)?.mapcount ?? this.mapcount[folio];
  }

  /** Number of huge entries that map the folio. */
  entireMapcount(folio: number): number {
    return this.large.get(folio)?.entireMapcount ?? 0;
  }

  /** folio_maybe_mapped_shared: several mms may map the folio; a small one, and one of hugetlb, counts as shared when mapped twice. */
  maybeMappedShared(folio: number): boolean {
    const large = this.large.get(folio);
    if (large === undefined) return this.mapcount[folio] > 1;
    return this.has(folio, PG_HUGETLB) ? large.mapcount > 1 : large.maybeMappedShared;
  }

  /** FOLIO_MM_IDS_SHARED of a large folio: several mms map it, as far as Linux can tell. */
  isMappedByMany(folio: number): boolean {
    return this.large.get(folio)?.mappedByMany ?? false;
  }

  /** folio_test_partially_mapped, of an anonymous folio: it waits to be split. */
  isPartiallyMapped(folio: number): boolean {
    return this.large.get(folio)?.partiallyMapped ?? false;
  }

  /** deferred_split_folio: a large folio waits to be split. */
  setPartiallyMapped(folio: number): void {
    this.largeFolio(folio).partiallyMapped = true;
  }

  /** prep_compound_page: makes 2^order frames one folio, or separate ones if order is 0. References are the caller's. */
  compose(folio: number, order: number, flags: number): void {
    this.flags[folio] = flags | (order << ORDER_SHIFT);
    for (let i = 1; i < 1 << order; i++) {
      this.flags[folio + i] = (this.flags[folio + i] & (PG_ANON_EXCLUSIVE | PG_HWPOISON)) | PG_ALLOCATED | PG_TAIL;
      this.index[folio + i] = folio;
    }
    if (order > 0) this.large.set(folio, new LargeFolio());
  }

  /** A large folio is freed, or about to be composed anew. */
  decompose(folio: number): void {
    this.large.delete(folio);
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

  /** One more small entry of an mm maps a frame. The column counts to 65,535. */
  map(frame: number, mmId: number): void {
    if (this.mapcount[frame] === MAX_MAPCOUNT) {
      throw this.broken(frame, `one more than ${MAX_MAPCOUNT.toLocaleString('en-US')} entries would map it`);
    }
    this.mapcount[frame]++;
    if ((this.flags[frame] & (PG_TAIL | ORDER_MASK)) !== 0) this.large.get(this.folioOf(frame))?.map(mmId, 1);
  }

  /** One small entry less. */
  unmap(frame: number, mmId: number): void {
    this.mapcount[frame]--;
    if ((this.flags[frame] & (PG_TAIL | ORDER_MASK)) === 0) return;
    const large = this.largeFolio(this.folioOf(frame));
    large.unmap(mmId, 1);
    if (this.mapcount[frame] === 0 && large.entireMapcount === 0 && large.mapcount > 0) large.partiallyMapped = true;
  }

  /** One more huge entry of an mm maps the folio. */
  mapHuge(folio: number, mmId: number): void {
    const large = this.largeFolio(folio);
    large.entireMapcount++;
    large.map(mmId, 1);
  }

  unmapHuge(folio: number, mmId: number): void {
    const large = this.largeFolio(folio);
    large.entireMapcount--;
    large.unmap(mmId, 1);
    if (large.entireMapcount > 0 || large.mapcount === 0) return;
    // What other mappings show by small entries may be less than all of it.
    for (let i = 0; i < this.pages(folio); i++) if (this.mapcount[folio + i] === 0) large.partiallyMapped = true;
  }

  /** try_grab_folio with FOLL_PIN: one more pin on the folio of that frame. */
  pin(frame: number): void {
    const folio = this.folioOf(frame);
    if (this.order(folio) === 0) {
      this.get(folio, GUP_PIN_COUNTING_BIAS);
      return;
    }
    this.get(folio, 1);
    this.largeFolio(folio).pins++;
  }

  /** Drops a pin; true if it was the folio's last reference. */
  unpin(frame: number): boolean {
    const folio = this.folioOf(frame);
    if (this.order(folio) === 0) return this.drop(folio, GUP_PIN_COUNTING_BIAS);
    const large = this.largeFolio(folio);
    if (large.pins === 0) throw this.broken(folio, 'unpinned, but not pinned');
    large.pins--;
    return this.drop(folio, 1);
  }

  /** folio_maybe_dma_pinned: false is certain; true may be a small folio with 1024 ordinary references. */
  maybeDmaPinned(folio: number): boolean {
    const large = this.large.get(folio);
    return large === undefined ? this.refcount[folio] >= GUP_PIN_COUNTING_BIAS : large.pins > 0;
  }

  isAllocated(frame: number): boolean {
    return (this.flags[frame] & PG_ALLOCATED) !== 0;
  }

  private largeFolio(folio: number): LargeFolio {
    const large = this.large.get(folio);
    if (large === undefined) throw this.broken(folio, 'it is not a large folio');
    return large;
  }

  private broken(folio: number, what: string): SimulationError {
    return new SimulationError(`folio ${String(folio)} (refcount ${String(this.refcount[folio])}): ${what}`);
  }
}

function longer<T extends Int32Array | Uint16Array>(column: T, target: T): T {
  target.set(column);
  return target;
}
