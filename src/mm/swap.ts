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

  constructor(
    keepsBytes: boolean,
    /** Drops the cache's reference to a frame. */
    private readonly put: (frame: number) => void,
  ) {
    this.contents = new PageContents(keepsBytes);
  }

  /** Takes a page. @returns its slot, with one reference */
  write(from: PageContents, frame: number): number {
    const slot = this.freeSlots.pop() ?? this.references.push(0) - 1;
    this.references[slot] = 1;
    this.contents.copy(from, frame, slot);
    return slot;
  }

  /** Gives a page back; it stays on the device. */
  read(slot: number, to: PageContents, frame: number): void {
    to.copy(this.contents, slot, frame);
  }

  /** swap_cache_get_folio: the frame that holds a slot's page, -1 if it is on the device only. */
  cached(slot: number): number {
    return this.inCache.get(slot) ?? -1;
  }

  /** folio_test_swapcache. */
  holds(frame: number): boolean {
    for (const cached of this.inCache.values()) if (cached === frame) return true;
    return false;
  }

  /** The frame holds the slot's page from now on; the cache takes over a reference. */
  cache(slot: number, frame: number): void {
    this.inCache.set(slot, frame);
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
    this.put(frame);
  }
}
