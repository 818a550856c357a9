import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { HOLE } from './block-map.js';
import { iomapDioWrite } from './direct-io.js';
import { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';
import { endWriteback, startWriteback, zeroBehindEnd, type WritebackCost } from './writeback.js';

/** A file system without data checksums that overwrites blocks in place; holes get theirs at writeback. */
export abstract class InPlaceFileSystem extends FileSystem {
  *writeFolio(inode: Inode, folio: number, cost: WritebackCost): Task {
    const { memory } = this.system;
    const first = memory.frames.index[folio];
    const blocks: number[] = [];
    for (let pages = zeroBehindEnd(inode, folio); blocks.length < pages;) {
      blocks.push(this.blockToWrite(inode, first + blocks.length));
    }
    cost.folios++;
    startWriteback(inode, folio);
    memory.unlockFolio(folio);
    let left = blocks.length;
    if (left === 0) endWriteback(inode, folio);
    blocks.forEach((block, i) => {
      const end = Math.min(inode.size, (first + i + 1) * PAGE_SIZE);
      this.device.submitWrite(memory.contents, folio + i, block, () => {
        this.pageWritten(inode, first + i, { block, checksum: 0 }, end);
        if (--left === 0) endWriteback(inode, folio);
      });
    });
  }

  *directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    return yield* iomapDioWrite(inode, offset, frames, (page) => this.blockToWrite(inode, page));
  }

  /** The page's own block; another one if it has none, or if that is some other page's too. */
  private blockToWrite(inode: Inode, page: number): number {
    const block = inode.blocks.block(page);
    return block === HOLE || this.blocks.isShared(block) ? this.allocateBlock() : block;
  }
}
