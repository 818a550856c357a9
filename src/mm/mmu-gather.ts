import { PAGE_SIZE } from '../base/index.js';
import type { MmStruct } from './mm-struct.js';

/**
 * What an unmapping has collected: Linux's struct mmu_gather. The CPU's TLB is flushed for all of it at once, and a page
 * is put only when no TLB can name it any more.
 */
export class MmuGather {
  private readonly folios: number[] = [];
  /** Pages whose entries are gone and may still be in the TLB: [start, end). */
  private start = Infinity;
  private end = 0;

  /** @param whole a flush is of the whole mm, given as a range: exit announces it so */
  constructor(
    private readonly mm: MmStruct,
    private readonly whole: { readonly start: number; readonly end: number } | null = null,
  ) {}

  /** tlb_remove_tlb_entry: the entries of pages [first, end) were cleared. */
  removeEntries(first: number, end: number): void {
    this.start = Math.min(this.start, first);
    this.end = Math.max(this.end, end);
  }

  /** tlb_remove_page: takes over an entry's reference to a folio. */
  removePage(folio: number): void {
    this.folios.push(folio);
  }

  /** tlb_flush_mmu_tlbonly. */
  flushTlb(): void {
    if (this.start >= this.end) return;
    const { start, end } = this.whole ?? { start: this.start * PAGE_SIZE, end: this.end * PAGE_SIZE };
    this.start = Infinity;
    this.end = 0;
    this.mm.notifiers.archInvalidateSecondaryTlbs(start, end);
  }

  /** tlb_finish_mmu: flushes, then puts the pages. */
  finish(): void {
    this.flushTlb();
    for (const folio of this.folios) this.mm.system.memory.put(folio);
    this.folios.length = 0;
  }
}
