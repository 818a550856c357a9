import type { Simulation, Task } from '../../engine/index.js';
import { PG_DIRTY } from '../../mm/index.js';
import { lockFolioAt } from '../filemap.js';
import type { Inode } from '../inode.js';
import { clearDirtyForIo, writeAndWait, writeInode, type PageRange, type WritebackCost } from '../writeback.js';
import { OrderedExtents, type OrderedExtent } from './ordered-extents.js';
import { PageRanges } from './page-ranges.js';

/** What btrfs keeps of a file beside its pages (struct btrfs_inode). */
export class BtrfsInode {
  /** EXTENT_DELALLOC: pages that have a reservation and no block yet. */
  readonly delalloc = new PageRanges();
  readonly ordered: OrderedExtents;

  constructor(
    simulation: Simulation,
    private readonly inode: Inode,
  ) {
    this.ordered = new OrderedExtents(simulation);
  }

  /**
   * writepage_delalloc: every delayed allocation that a locked folio has a page of becomes an ordered extent, as far as it
   * reaches from there. Folios further on that it covers are locked with it and cleaned: drivers are told.
   */
  *runDelalloc(folio: number, cost: WritebackCost): Task {
    const { frames } = this.inode.fs.system.memory;
    const end = frames.index[folio] + frames.pages(folio);
    let range = this.delalloc.from(frames.index[folio]);
    while (range !== null && range.first < end) {
      const locked = range.end <= end || (yield* this.lockDelallocFolios({ first: end, end: range.end }, cost));
      const taken = locked ? range : { first: range.first, end };
      this.delalloc.remove(taken);
      this.ordered.add(taken);
      range = this.delalloc.from(taken.end);
    }
  }

  /** btrfs_start_ordered_extent: writes what is left of it and waits for all of it. */
  *startOrderedExtent(extent: OrderedExtent): Task {
    yield* writeInode(this.inode, 'sync', extent.range);
    yield* this.ordered.wait(extent);
  }

  /** btrfs_wait_ordered_range: writes a range, and with it whatever was allocated together with it. */
  *waitOrderedRange(range: PageRange): Task {
    yield* writeAndWait(this.inode, range);
    for (let { end } = range; end > range.first;) {
      const extent = this.ordered.lastOverlapping({ first: range.first, end });
      if (extent === undefined) return;
      yield* this.startOrderedExtent(extent);
      end = extent.range.first;
    }
  }

  /** btrfs_invalidate_folio of every folio of a range. */
  forget(range: PageRange): void {
    this.delalloc.remove(range);
    this.ordered.forget(range);
  }

  /** After a power loss. */
  clear(): void {
    this.delalloc.clear();
    this.ordered.clear();
  }

  /** lock_delalloc_folios. @returns false if one of them is not there, or not dirty */
  private *lockDelallocFolios({ first, end }: PageRange, cost: WritebackCost): Task<boolean> {
    const { memory } = this.inode.fs.system;
    const { frames } = memory;
    for (let index = first; index < end;) {
      const folio = yield* lockFolioAt(this.inode, index);
      if (folio < 0) return false;
      const dirty = frames.has(folio, PG_DIRTY);
      if (dirty) {
        yield* clearDirtyForIo(this.inode.fs.system, folio, cost);
        frames.set(folio, PG_DIRTY);
      }
      index = frames.index[folio] + frames.pages(folio);
      memory.unlockFolio(folio);
      memory.put(folio);
      if (!dirty) return false;
    }
    return true;
  }
}
