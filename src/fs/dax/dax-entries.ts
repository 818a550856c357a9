import { PageIndex } from '../../mm/index.js';

/** Values of a page: mapped by the zero page, for there was a hole; or by its block. */
const ZERO = 1;
const BLOCK = 2;

/**
 * What a DAX file knows of the pages that faults have mapped: its i_pages, whose entries are values here, not folios. A
 * write marks its page dirty.
 */
export class DaxEntries {
  private pages = new PageIndex();

  get isEmpty(): boolean {
    return this.pages.size === 0;
  }

  isZero(index: number): boolean {
    return this.pages.get(index) === ZERO;
  }

  /** dax_insert_entry: a zero entry gives way to a block, nothing else changes place. A write makes it dirty. */
  insert(index: number, zero: boolean, dirty: boolean): void {
    if (this.pages.get(index) !== BLOCK) this.pages.set(index, zero ? ZERO : BLOCK);
    if (dirty) this.pages.setMark(index, 'dirty');
  }

  /** The first page of [first, end) that is dirty, -1 if none is. */
  nextDirty(first: number, end: number): number {
    return this.pages.nextMarked(first, end, 'dirty');
  }

  clean(index: number): void {
    this.pages.clearMark(index, 'dirty');
  }

  /** dax_invalidate_mapping_entry_sync: forgets what is clean in [first, end). */
  invalidate(first: number, end: number): void {
    for (let index = this.pages.next(first, end); index >= 0; index = this.pages.next(index + 1, end)) {
      if (!this.pages.hasMark(index, 'dirty')) this.pages.delete(index);
    }
  }

  /** dax_delete_mapping_range: forgets everything, dirty or not. */
  clear(): void {
    this.pages = new PageIndex();
  }
}
