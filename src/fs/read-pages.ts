import type { Task } from '../engine/index.js';
import type { BlockRead } from './block-device.js';
import type { Inode } from './inode.js';

/** A page of a file, and the frame of memory that takes it. */
export interface PageRead {
  readonly page: number;
  readonly frame: number;
}

/** Fills frames with what the disk has of pages of a file; what has no block is zeros. */
export function* readPages(inode: Inode, reads: readonly PageRead[]): Task {
  const { system, device } = inode.fs;
  const { contents } = system.memory;
  const blocks: BlockRead[] = [];
  const partial: { readonly frame: number; readonly from: number; readonly to: number }[] = [];
  for (const { page, frame } of reads) {
    const record = inode.blocks.data(page);
    if (record === undefined) contents.clear(frame);
    else blocks.push({ frame, block: record.block });
    for (const [from, to] of record?.holes ?? []) partial.push({ frame, from, to });
  }
  if (blocks.length > 0) yield* device.readBlocks(contents, blocks);
  for (const { frame, from, to } of partial) contents.clear(frame, from, to - from);
}
