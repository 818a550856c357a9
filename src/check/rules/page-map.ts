import type { MmRef } from '../../../notifiers/index.js';

/** Something per page of any address space; pages are named by their number. */
export class PageMap<T> {
  private readonly byMm = new Map<number, Map<number, T>>();

  get(mm: MmRef, page: number): T | undefined {
    return this.byMm.get(mm.id)?.get(page);
  }

  set(mm: MmRef, page: number, value: T): void {
    let pages = this.byMm.get(mm.id);
    if (pages === undefined) {
      pages = new Map<number, T>();
      this.byMm.set(mm.id, pages);
    }
    pages.set(page, value);
  }

  delete(mm: MmRef, page: number): void {
    this.byMm.get(mm.id)?.delete(page);
  }

  /** Visits what there is of pages [first, end); the visitor may delete it. */
  forEach(mm: MmRef, first: number, end: number, visit: (page: number, value: T) => void): void {
    const pages = this.byMm.get(mm.id);
    if (pages === undefined || pages.size === 0) return;
    if (end - first > pages.size) {
      for (const [page, value] of pages) if (page >= first && page < end) visit(page, value);
      return;
    }
    for (let page = first; page < end; page++) {
      const value = pages.get(page);
      if (value !== undefined) visit(page, value);
    }
  }
}
