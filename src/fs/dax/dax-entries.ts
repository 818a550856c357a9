/** What a file knows of a page that was mapped: Linux's entry of the page cache's tree that is a value, not a folio. */
interface DaxEntry {
  /** Mapped by the zero page, for there was a hole. */
  readonly zero: boolean;
  dirty: boolean;
}

/** The pages of one DAX file that faults have mapped: its i_pages. */
export class DaxEntries {
  private readonly entries = new Map<number, DaxEntry>();

  get isEmpty(): boolean {
    return this.entries.size === 0;
  }

  isZero(index: number): boolean {
    return this.entries.get(index)?.zero ?? false;
  }

  /** dax_insert_entry: a zero entry gives way to a block, nothing else changes place. A write makes it dirty. */
  insert(index: number, zero: boolean, dirty: boolean): void {
    const before = this.entries.get(index);
    if (before === undefined || (before.zero && !zero)) this.entries.set(index, { zero, dirty });
    else before.dirty ||= dirty;
  }

  /** Pages of [first, end) that are dirty, in order. */
  dirty(first: number, end: number): number[] {
    const found: number[] = [];
    for (const [index, { dirty }] of this.entries) if (dirty && index >= first && index < end) found.push(index);
    return found.sort((a, b) => a - b);
  }

  clean(index: number): void {
    const entry = this.entries.get(index);
    if (entry !== undefined) entry.dirty = false;
  }

  /** dax_invalidate_mapping_entry_sync: forgets what is clean in [first, end). */
  invalidate(first: number, end: number): void {
    for (const [index, { dirty }] of this.entries) {
      if (!dirty && index >= first && index < end) this.entries.delete(index);
    }
  }

  /** dax_delete_mapping_range: forgets everything, dirty or not. */
  clear(): void {
    this.entries.clear();
  }
}
