import { PAGE_SIZE } from '../base/index.js';
import type { Inode } from './inode.js';

/**
 * The blocks behind a byte of the file, to its end, move by a multiple of a page: collapse takes away what lies before
 * them, insert leaves a hole there. The size follows.
 */
export function shiftBlocks(inode: Inode, from: number, by: number): void {
  const { fs, blocks, mapping } = inode;
  const first = from / PAGE_SIZE;
  const end = mapping.sizeInPages;
  for (let page = first; page < end; page++) {
    const block = blocks.block(page);
    if (block >= 0) fs.shareBlock(block);
  }
  blocks.shift(first, end, by / PAGE_SIZE);
  fs.setSize(inode, inode.size + by);
}
