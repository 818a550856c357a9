import { PAGE_SIZE, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { dropPfnRights, unmapMappingRange } from '../../mm/index.js';
import type { WriteData } from '../buffered-write.js';
import type { Inode } from '../inode.js';
import type { PageRange, WritebackMode } from '../writeback.js';
import type { Ext4Dax } from './ext4-dax.js';

/**
 * dax_iomap_rw for writing: straight to the device, extent by extent. Where blocks are new, what showed the hole is
 * unmapped, if anything of the file was ever mapped.
 *
 * @returns bytes written
 */
export function* daxWrite(fs: Ext4Dax, inode: Inode, offset: number, length: number, data: WriteData): Task<number> {
  const { memory } = fs.system;
  const end = offset + length;
  for (let at = offset; at < end;) {
    const isNew = fs.pageFrame(inode, pageOf(at)) === 0;
    let stop = at;
    do stop = Math.min(end, (pageOf(stop) + 1) * PAGE_SIZE);
    while (stop < end && (fs.pageFrame(inode, pageOf(stop)) === 0) === isNew);
    const first = pageOf(at);
    const behind = Math.ceil(stop / PAGE_SIZE);
    if (isNew) {
      for (let page = first; page < behind; page++) fs.allocatePage(inode, page);
      yield* invalidateRange(fs, inode, { first, end: behind });
    }
    while (at < stop) {
      const within = at % PAGE_SIZE;
      const bytes = Math.min(PAGE_SIZE - within, stop - at);
      const frame = fs.pageFrame(inode, pageOf(at));
      memory.contents.write(frame, within, bytes, memory.nextStamp(), data, at - offset);
      at += bytes;
    }
  }
  if (end > inode.size) fs.setSize(inode, end);
  return length;
}

/** invalidate_inode_pages2_range of a DAX file. */
function* invalidateRange(fs: Ext4Dax, inode: Inode, { first, end }: PageRange): Task {
  const entries = fs.entries(inode);
  if (entries.isEmpty) return;
  entries.invalidate(first, end);
  yield* unmapMappingRange(inode.mapping, first, end, false);
}

/**
 * dax_writeback_mapping_range: the CPU's cache is flushed, and the next write has to fault again. Only where somebody
 * waits for it; background writeback has nothing to do.
 */
export function* daxWriteback(fs: Ext4Dax, inode: Inode, mode: WritebackMode, { first, end }: PageRange): Task {
  if (mode !== 'sync') return;
  const entries = fs.entries(inode);
  for (let index = entries.nextDirty(first, end); index >= 0; index = entries.nextDirty(index + 1, end)) {
    yield* dropPfnRights(inode.mapping, index);
    entries.clean(index);
  }
}
