import { PAGE_SIZE, PageContents, pageOf } from '../base/index.js';
import { SEC, type Task } from '../engine/index.js';
import { PG_PRIVATE, type AddressSpace, type MmSystem } from '../mm/index.js';
import type { BlockDevice } from './block-device.js';
import { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';
import { truncatePagecache, zeroTail } from './truncate.js';
import {
  clearDirtyForIo,
  endWriteback,
  startWriteback,
  waitForWriteback,
  writeInode,
  zeroBehindEnd,
  type WritebackCost,
} from './writeback.js';

/** ns to checksum a 4 KiB block: crc32c at 10 GB/s. */
const CHECKSUM_NS = 400;

/**
 * A copy-on-write file system with data checksums and stable pages, after btrfs: every write goes to a new block, its
 * checksum to the metadata; a page under writeback must not change, because the checksum is computed before the disk
 * fetches it.
 *
 * A dirty folio must have a reservation for its new block, which page_mkwrite and write_begin make and its writeback uses
 * up. One without has been dirtied by somebody who asked nobody.
 */
export class Btrfs extends FileSystem {
  /** Pages that were dirtied without a reservation and wait for the fixup worker. */
  private readonly beingFixed = new Set<number>();

  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device, {
      kind: 'btrfs',
      stableWrites: true,
      commitInterval: 30 * SEC,
      syncsWholeFile: true,
      maxOrder: 6,
    });
  }

  /** Reserves space for the copy. */
  prepareWrite(_inode: Inode, folio: number): void {
    this.system.memory.frames.set(folio, PG_PRIVATE);
  }

  dirtyPart(mapping: AddressSpace, folio: number): void {
    this.dirtyFolio(mapping, folio);
  }

  invalidateFolio(): void {
    // It stays dirty as a whole: what is known of its parts goes with the whole folio only.
  }

  /** open_ctree: 4 MiB, whatever the disk says. */
  override get readaheadPages(): number {
    return 1024;
  }

  /** What lacks a reservation is put off when it is about to be written. */
  acceptsDirty(): boolean {
    return true;
  }

  *writeFolio(inode: Inode, folio: number, cost: WritebackCost): Task {
    const { memory } = this.system;
    if (!memory.frames.testAndClear(folio, PG_PRIVATE)) {
      this.redirtyForFixup(inode, folio);
      return;
    }
    // extent_writepage_io cleans again what extent_write_cache_pages has cleaned: drivers are told twice.
    yield* clearDirtyForIo(this.system, folio, cost);
    const first = memory.frames.index[folio];
    const pages = zeroBehindEnd(inode, folio);
    const size = inode.size;
    cost.folios++;
    startWriteback(inode, folio);
    memory.unlockFolio(folio);
    let left = pages;
    if (left === 0) endWriteback(inode, folio);
    for (let i = 0; i < pages; i++) {
      const checksum = memory.contents.checksum(folio + i);
      yield CHECKSUM_NS;
      // Only a power loss takes a folio away from its file while it is being written.
      if (this.system.mappingOf(folio) !== inode.mapping) return;
      const block = this.allocateBlock();
      const end = Math.min(size, (first + i + 1) * PAGE_SIZE);
      this.device.submitWrite(memory.contents, folio + i, block, () => {
        this.pageWritten(inode, first + i, { block, checksum }, end);
        if (--left === 0) endWriteback(inode, folio);
      });
    }
  }

  /** btrfs_setsize. */
  *resize(inode: Inode, size: number): Task {
    if (size > inode.size) {
      yield* this.extend(inode);
      this.setSize(inode, size);
      return;
    }
    this.setSize(inode, size);
    yield* truncatePagecache(inode);
    // btrfs_truncate waits for the ordered extents from the last page on, and so has that page written first.
    const fromLastPage = { first: pageOf(size), end: Infinity };
    yield* writeInode(inode, 'sync', { folios: 0, deviceWaitNs: 0 }, fromLastPage);
    yield* waitForWriteback(inode, fromLastPage);
    this.truncateBlocks(inode, size);
  }

  /** btrfs_do_readpage: the disk may still have what a truncation cut off from the last page. */
  protected override isValid(inode: Inode, folio: number): boolean {
    const valid = super.isValid(inode, folio);
    if (valid) zeroBehindEnd(inode, folio);
    return valid;
  }

  /** btrfs_cont_expand: only now does the old last page have to be zeros behind the old end on the disk. */
  *extend(inode: Inode): Task {
    yield* zeroTail(inode, inode.size);
  }

  protected blankChecksum(): number {
    return new PageContents(false).checksum(0);
  }

  /**
   * btrfs_writepage_cow_fixup: a folio that became dirty without page_mkwrite has no reservation. It stays dirty, a
   * worker makes the reservation, and the next writeback writes it; this one does not.
   */
  private redirtyForFixup(inode: Inode, folio: number): void {
    const { memory, simulation } = this.system;
    this.dirtyFolio(inode.mapping, folio);
    inode.mapping.pages.clearMark(memory.frames.index[folio], 'towrite');
    memory.unlockFolio(folio);
    if (this.beingFixed.has(folio)) return;
    this.beingFixed.add(folio);
    memory.frames.get(folio);
    simulation.spawn('btrfs-fixup', this.fixUp(inode, folio), { daemon: true });
  }

  private *fixUp(inode: Inode, folio: number): Task {
    const { memory } = this.system;
    yield* memory.lockFolio(folio);
    if (this.system.mappingOf(folio) === inode.mapping) this.prepareWrite(inode, folio);
    memory.unlockFolio(folio);
    memory.put(folio);
    this.beingFixed.delete(folio);
  }
}
