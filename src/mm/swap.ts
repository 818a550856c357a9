import { PageContents } from '../base/index.js';
import { SimulationError } from '../engine/index.js';

/**
 * A swap device in memory, like zram: slots that hold a page each, and how many entries refer to each.
 *
 * A page that comes back leaves the device at once when nobody else refers to its slot; otherwise it waits in the swap
 * cache for the others.
 */
export class SwapDevice {
  private readonly contents: PageContents;
  private readonly references: number[] = [0];
  private readonly freeSlots: number[] = [];
  /** The swap cache: frames by slot. */
  private readonly inCache = new Map<number, number>();
  /** The same the other way round: slots by frame. */
  private readonly cachedFrames = new Map<number, number>();

  constructor(
    keepsBytes: boolean,
    /** Drops the cache's reference to a frame. */
    private readonly put: (frame: number) => void,
  ) {
    this.contents = new PageContents(keepsBytes);
  }

  /** Takes a page. @returns its slot, with one reference */
  write(from: PageContents, frame: number): number {
    const slot = this.allocate(1);
    this.refer(slot, from, frame);
    return slot;
  }

  /** folio_alloc_swap: slots for a folio, one behind the other, from a multiple of their number on. Nobody refers to them yet. */
  allocate(pages: number): number {
    if (pages === 1) return this.freeSlots.pop() ?? this.references.push(0) - 1;
    while (this.references.length % pages !== 0) this.freeSlots.push(this.references.push(0) - 1);
    const first = this.references.length;
    for (let i = 0; i < pages; i++) this.references.push(0);
    return first;
  }

  /** folio_dup_swap: one more entry refers to a slot, which takes the page with the first. */
  refer(slot: number, from: PageContents, frame: number): void {
    if (this.references[slot]++ === 0) this.contents.copy(from, frame, slot);
  }

  /** Gives back those of a folio's slots to which nobody has come to refer. */
  releaseUnused(first: number, pages: number): void {
    for (let slot = first; slot < first + pages; slot++) if (this.references[slot] === 0) this.freeSlots.push(slot);
  }

  /** Gives a page back; it stays on the device. */
  read(slot: number, to: PageContents, frame: number): void {
    to.copy(this.contents, slot, frame);
  }

  /** swap_cache_get_folio: the frame that holds a slot's page, -1 if it is on the device only. */
  cached(slot: number): number {
    return this.inCache.get(slot) ?? -1;
  }

  /** How many of a folio's pages are in the swap cache. */
  countCached(folio: number, pages: number): number {
    if (this.cachedFrames.size === 0) return 0;
    let count = 0;
    for (let frame = folio; frame < folio + pages; frame++) if (this.cachedFrames.has(frame)) count++;
    return count;
  }

  /** The frame holds the slot's page from now on; the cache takes over a reference. */
  cache(slot: number, frame: number): void {
    this.inCache.set(slot, frame);
    this.cachedFrames.set(frame, slot);
  }

  /** __swap_cache_replace_folio: another frame holds the page of one from now on. The references to them are the caller's. */
  replaceCached(frame: number, by: number): void {
    const slot = this.cachedFrames.get(frame);
    if (slot === undefined) return;
    this.cachedFrames.delete(frame);
    this.cache(slot, by);
  }

  /** swap_duplicate: one more entry refers to the slot. */
  duplicate(slot: number, references = 1): void {
    this.references[slot] += references;
  }

  /** Number of entries that refer to a slot. */
  count(slot: number): number {
    return this.references[slot];
  }

  /** swap_free: one entry less. */
  free(slot: number): void {
    if (this.references[slot] <= 0) throw new SimulationError(`swap slot ${String(slot)} was freed twice`);
    if (--this.references[slot] > 0) return;
    this.freeSlots.push(slot);
    const frame = this.inCache.get(slot);
    if (frame === undefined) return;
    this.inCache.delete(slot);
    this.cachedFrames.delete(frame);
    this.put(frame);
  }
}
