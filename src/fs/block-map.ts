/** No block: a hole. */
export const HOLE = -1;

/** Where a page of a file lies. */
export interface BlockRecord {
  readonly block: number;
  /** Checksum of what was written there; 0 if the file system keeps none. */
  readonly checksum: number;
  /** Allocated ahead (fallocate): the block is the page's, but the page reads as zeros. */
  readonly unwritten?: boolean;
  /** Parts of the page, as bytes [from, to), that have lost their blocks, which are smaller: they read as zeros. */
  readonly holes?: readonly (readonly [from: number, to: number])[];
}

/** The file begins with one extent, written before the run: blocks `first`, `first` + 1, …, nobody's write in any. */
export interface InitialExtent {
  readonly first: number;
  /** 0 for a file that is all hole. */
  readonly pages: number;
  readonly checksum: number;
}

/** Changes by page; null where a page lost its block. */
type Changes = Map<number, BlockRecord | null>;

/**
 * Where the pages of one file lie on the disk: what a power loss would leave, and the changes since.
 *
 * A change is pending, then part of a commit under way, then durable.
 */
export class BlockMap {
  /** Null where a page of the initial extent lost its block. */
  private readonly durable: Changes = new Map();
  private pending: Changes = new Map();
  private committing: Changes = new Map();
  /** Pages of the initial extent that are still the file's: now, when the commit under way began, after power loss. */
  private extentPages: number;
  private committingExtentPages: number;
  private durableExtentPages: number;
  /** Blocks that a later change replaced before any commit had them; and those of them that a commit may give back. */
  private superseded: number[] = [];
  private supersededBefore: number[] = [];

  constructor(private readonly extent: InitialExtent) {
    this.extentPages = extent.pages;
    this.committingExtentPages = extent.pages;
    this.durableExtentPages = extent.pages;
  }

  /** Where a page is now; undefined for a hole. */
  record(page: number): BlockRecord | undefined {
    const pending = this.pending.get(page);
    if (pending !== undefined) return pending ?? undefined;
    const committing = this.committing.get(page);
    if (committing !== undefined) return committing ?? undefined;
    return this.settled(page, this.extentPages);
  }

  /** Where the data of a page are now; undefined if it reads as zeros. */
  data(page: number): BlockRecord | undefined {
    const record = this.record(page);
    return record?.unwritten === true ? undefined : record;
  }

  /** The block of a page now, HOLE if it has none. */
  block(page: number): number {
    return this.record(page)?.block ?? HOLE;
  }

  /** Where a power loss would find a page. */
  durableRecord(page: number): BlockRecord | undefined {
    return this.settled(page, this.durableExtentPages);
  }

  /** @param record null if the page is a hole from now on */
  set(page: number, record: BlockRecord | null): void {
    const replaced = this.pending.get(page);
    if (replaced && replaced.block !== record?.block && replaced.block !== this.committed(page)) {
      this.superseded.push(replaced.block);
    }
    this.pending.set(page, record);
  }

  /** The block that commits have for a page, or will have when the one under way is durable: they give it back. */
  private committed(page: number): number | undefined {
    const committing = this.committing.get(page);
    return committing === undefined ? this.durableRecord(page)?.block : committing?.block;
  }

  /** The file ends before `page` from now on. */
  truncate(page: number): void {
    this.extentPages = Math.min(this.extentPages, page);
    for (const held of [...this.durable.keys(), ...this.committing.keys(), ...this.pending.keys()]) {
      if (held >= page) this.set(held, null);
    }
  }

  /** Pages [first, end) are a hole from now on. @param end finite */
  punch(first: number, end: number): void {
    for (let page = first; page < end; page++) {
      if (this.record(page) !== undefined) this.set(page, null);
    }
  }

  /** Pages [from, end) move by `by`, on into what they find there; where they were and are no more is a hole. */
  shift(from: number, end: number, by: number): void {
    const moved: (BlockRecord | undefined)[] = [];
    for (let page = from; page < end; page++) moved.push(this.record(page));
    this.punch(Math.min(from, from + by), end);
    moved.forEach((record, i) => {
      if (record !== undefined) this.set(from + by + i, record);
    });
  }

  /** A commit begins: what is pending now goes with it. */
  beginCommit(): void {
    this.committing = this.pending;
    this.pending = new Map();
    this.committingExtentPages = this.extentPages;
    this.supersededBefore = this.superseded;
    this.superseded = [];
  }

  /**
   * The commit is durable.
   * @returns the blocks that nothing refers to any more, except those that a truncation cut off the initial extent
   */
  endCommit(): number[] {
    const freed = this.supersededBefore;
    this.supersededBefore = [];
    for (const [page, record] of this.committing) {
      const old = this.durableRecord(page);
      if (old !== undefined && old.block !== record?.block) freed.push(old.block);
      if (record === null && page >= this.extent.pages) this.durable.delete(page);
      else this.durable.set(page, record);
    }
    this.committing = new Map();
    this.durableExtentPages = this.committingExtentPages;
    return freed;
  }

  /** Power loss: what was not committed never happened. */
  rollback(): void {
    this.pending = new Map();
    this.committing = new Map();
    this.superseded = [];
    this.supersededBefore = [];
    this.extentPages = this.durableExtentPages;
  }

  private settled(page: number, extentPages: number): BlockRecord | undefined {
    const record = this.durable.get(page);
    if (record !== undefined) return record ?? undefined;
    const { first, checksum } = this.extent;
    return page < extentPages ? { block: first + page, checksum } : undefined;
  }
}
