import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
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
      blocks.push(inode.blocks.record(first + blocks.length)?.block ?? this.allocateBlock());
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

  protected blankChecksum(): number {
    return 0;
  }
}
