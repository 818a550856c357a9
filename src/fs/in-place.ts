import { PAGE_SIZE } from '../base/index.js';
import { US, type Cancellable, type Task } from '../engine/index.js';
import { HOLE } from './block-map.js';
import { iomapDioWrite } from './direct-io.js';
import { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';
import { endWriteback, startWriteback, zeroBehindEnd, type WritebackCost } from './writeback.js';

/** ns from the completion of a write to a new block until a worker has made that block the file's. */
const CONVERSION_NS = 150 * US;

/** A file system without data checksums that overwrites blocks in place; holes get theirs at writeback. */
export abstract class InPlaceFileSystem extends FileSystem {
  /** Extents that have been written and are still to be converted. */
  private readonly conversions = new Set<Cancellable>();

  *writeFolio(inode: Inode, folio: number, cost: WritebackCost): Task {
    const { memory } = this.system;
    const first = memory.frames.index[folio];
    const blocks: number[] = [];
    for (let pages = zeroBehindEnd(inode, folio); blocks.length < pages;) {
      blocks.push(this.blockToWrite(inode, first + blocks.length));
    }
    const ends = blocks.map((_, i) => Math.min(inode.size, (first + i + 1) * PAGE_SIZE));
    cost.folios++;
    startWriteback(inode, folio);
    memory.unlockFolio(folio);
    const finish = (): void => {
      blocks.forEach((block, i) => {
        this.pageWritten(inode, first + i, { block, checksum: 0 }, ends[i]);
      });
      endWriteback(inode, folio);
    };
    let left = blocks.length;
    if (left === 0) finish();
    const isNew = blocks.some((block, i) => inode.blocks.data(first + i)?.block !== block);
    blocks.forEach((block, i) => {
      this.device.submitWrite(memory.contents, folio + i, block, () => {
        if (--left > 0) return;
        if (isNew) this.convertLater(inode, finish);
        else finish();
      });
    });
  }

  *directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    return yield* iomapDioWrite(inode, offset, frames, (page) => this.blockToWrite(inode, page));
  }

  override recover(): void {
    for (const conversion of this.conversions) conversion.cancel();
    this.conversions.clear();
    super.recover();
  }

  /** xfs_end_io, ext4_end_io_rsv_work: until then the extent is unwritten, and the folio under writeback. */
  private convertLater(inode: Inode, finish: () => void): void {
    const conversion = this.system.simulation.after(CONVERSION_NS, `conversion of an extent of ${inode.name}`, () => {
      this.conversions.delete(conversion);
      finish();
    });
    this.conversions.add(conversion);
  }

  /** The page's own block; another one if it has none, or if that is some other page's too. */
  private blockToWrite(inode: Inode, page: number): number {
    const block = inode.blocks.block(page);
    return block === HOLE || this.blocks.isShared(block) ? this.allocateBlock() : block;
  }
}
