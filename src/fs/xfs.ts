import { SEC, type Task } from '../engine/index.js';
import { PG_PRIVATE, type AddressSpace, type MmSystem } from '../mm/index.js';
import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { BlockDevice } from './block-device.js';
import { InPlaceFileSystem } from './in-place.js';
import { xfsFallocate } from './xfs-fallocate.js';
import type { FallocateMode } from './fallocate.js';
import type { Inode } from './inode.js';
import { truncatePagecache, zeroTail } from './truncate.js';
import { writeAndWait } from './writeback.js';

/**
 * A journalling file system after xfs: blocks of 4 KiB are overwritten in place, holes get theirs at writeback (delayed
 * allocation), and the size on the disk follows the data.
 *
 * Dirty folios need no state of the file system: what was dirtied behind its back is written where it has a block.
 */
export class Xfs extends InPlaceFileSystem {
  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device, {
      kind: 'xfs',
      stableWrites: false,
      commitInterval: 30 * SEC,
      syncsWholeFile: false,
      sharesBlocks: true,
      maxOrder: 9,
    });
  }

  /** iomap_page_mkwrite, iomap_write_begin: reserves blocks for holes. */
  prepareWrite(_inode: Inode, folio: number): void {
    this.system.memory.frames.set(folio, PG_PRIVATE);
  }

  dirtyPart(mapping: AddressSpace, folio: number): void {
    this.dirtyFolio(mapping, folio);
  }

  /** xfs_setattr_size: what becomes visible or is cut off is zeroed and written before the size changes on the disk. */
  *resize(inode: Inode, size: number): Task {
    const before = inode.size;
    const onDisk = inode.diskSize;
    if (size === 0 && before === 0) return;
    const zeroed = yield* zeroTail(inode, Math.min(before, size));
    inode.mapping.size = size;
    yield* truncatePagecache(inode);
    if (zeroed || (size > onDisk && before !== onDisk)) {
      const range = { first: pageOf(onDisk), end: Math.ceil(size / PAGE_SIZE) };
      yield* writeAndWait(inode, range);
    }
    this.setSize(inode, size);
    if (size < before) this.truncateBlocks(inode, size);
  }

  *fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
    yield* xfsFallocate(inode, mode, offset, length);
  }

  /** xfs_file_write_checks: what lies between the end of the file and the write becomes zeros. */
  *extend(inode: Inode): Task {
    yield* zeroTail(inode, inode.size);
  }
}
