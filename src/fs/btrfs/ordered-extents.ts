import { Condition, type Simulation, type Task } from '../../engine/index.js';
import type { PageRange } from '../writeback.js';
import { PageRanges } from './page-ranges.js';

/** Space that was allocated for pages of a file, until all of them have been written (struct btrfs_ordered_extent). */
export class OrderedExtent {
  /** Pages that nobody has begun to write. */
  readonly pending = new PageRanges();
  /** Pages that are not on the disk yet. */
  left: number;
  readonly completed: Condition;

  constructor(
    simulation: Simulation,
    readonly range: PageRange,
  ) {
    this.pending.add(range);
    this.left = range.end - range.first;
    this.completed = new Condition(simulation, `the ordered extent of pages ${String(range.first)} on to complete`);
  }
}

/** The ordered extents of one file, in order; they do not overlap. */
export class OrderedExtents {
  private extents: OrderedExtent[] = [];

  constructor(private readonly simulation: Simulation) {}

  /** btrfs_add_ordered_extent. */
  add(range: PageRange): void {
    const extent = new OrderedExtent(this.simulation, range);
    const at = this.extents.findIndex((other) => other.range.first > range.first);
    this.extents.splice(at < 0 ? this.extents.length : at, 0, extent);
  }

  /** btrfs_lookup_ordered_range: the first one that has a page of a range. */
  overlapping({ first, end }: PageRange): OrderedExtent | undefined {
    return this.extents.find(({ range }) => range.first < end && range.end > first);
  }

  /** btrfs_lookup_first_ordered_extent: the last one that has a page of a range. */
  lastOverlapping({ first, end }: PageRange): OrderedExtent | undefined {
    return this.extents.findLast(({ range }) => range.first < end && range.end > first);
  }

  /** The one that waits for a page to be written. */
  awaiting(page: number): OrderedExtent | undefined {
    const extent = this.overlapping({ first: page, end: page + 1 });
    return extent?.pending.has(page) === true ? extent : undefined;
  }

  /** btrfs_finish_ordered_extent: pages of one are on the disk, or will never be. */
  finish(extent: OrderedExtent, pages: number): void {
    extent.left -= pages;
    if (extent.left > 0) return;
    this.extents = this.extents.filter((other) => other !== extent);
    extent.completed.notifyAll();
  }

  /** btrfs_invalidate_folio: what was not begun of a range will not be written. */
  forget(range: PageRange): void {
    for (const extent of this.extents.filter((each) => each.range.first < range.end && each.range.end > range.first)) {
      this.finish(extent, extent.pending.remove(range));
    }
  }

  /** Waits until one has completed. */
  *wait(extent: OrderedExtent): Task {
    while (extent.left > 0) yield extent.completed;
  }

  clear(): void {
    for (const extent of this.extents) {
      extent.left = 0;
      extent.completed.notifyAll();
    }
    this.extents = [];
  }
}
