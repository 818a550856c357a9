import { SimulationError } from '../engine/index.js';

/** No mm in a slot. */
const MM_ID_NONE = 0;

/**
 * What Linux keeps of a large folio in its first tail pages: pins, and who maps it how often.
 *
 * Whether several mms map it is answered as Linux does (mm/rmap.c, CONFIG_MM_ID): two mms are told apart, and once a third
 * one came the folio counts as shared until it has few mappings again.
 */
export class LargeFolio {
  /** _large_mapcount: entries, small and huge, that map any of it. */
  mapcount = 0;
  /** _entire_mapcount: huge entries that map all of it. */
  entireMapcount = 0;
  /** _pincount. */
  pins = 0;
  /** FOLIO_MM_IDS_SHARED. */
  private shared = false;
  private readonly mmIds = [MM_ID_NONE, MM_ID_NONE];
  private readonly mmMapcounts = [0, 0];

  /** FOLIO_MM_IDS_SHARED: some entries may be a second mm's. */
  get mappedByMany(): boolean {
    return this.shared;
  }

  /** folio_maybe_mapped_shared, of a folio that is mapped more than once. */
  get maybeMappedShared(): boolean {
    return this.mapcount > 1 && this.shared;
  }

  /** folio_add_large_mapcount. */
  map(mmId: number, entries: number): void {
    this.mapcount += entries;
    const slot = this.slotOf(mmId);
    if (slot < 0) {
      this.shared = true;
      return;
    }
    this.mmIds[slot] = mmId;
    this.mmMapcounts[slot] += entries;
    // All mappings are this one mm's, or not: what the two slots do not count is a third one's.
    this.shared = this.mmMapcounts[slot] !== this.mapcount;
  }

  /** folio_sub_large_mapcount. */
  unmap(mmId: number, entries: number): void {
    this.mapcount -= entries;
    if (this.mapcount < 0) throw new SimulationError('a large folio was unmapped more often than mapped');
    const slot = this.mmIds.indexOf(mmId);
    if (slot >= 0) {
      this.mmMapcounts[slot] -= entries;
      if (this.mmMapcounts[slot] === 0) this.mmIds[slot] = MM_ID_NONE;
    }
    this.shared = this.mapcount > 0 && !this.mmMapcounts.includes(this.mapcount);
  }

  /** The slot of an mm, or a free one; -1 if both are taken. */
  private slotOf(mmId: number): number {
    const own = this.mmIds.indexOf(mmId);
    return own >= 0 ? own : this.mmIds.indexOf(MM_ID_NONE);
  }
}
