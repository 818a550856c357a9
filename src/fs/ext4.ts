import { Errno, PAGE_SIZE, pageOf } from '../base/index.js';
import { SEC, type Task } from '../engine/index.js';
import { PG_DIRTY, PG_PRIVATE, PG_UPTODATE, type AddressSpace, type MmSystem } from '../mm/index.js';
import type { BlockDevice } from './block-device.js';
import { HOLE } from './block-map.js';
import { filemapGetFolio } from './filemap.js';
import { InPlaceFileSystem } from './in-place.js';
import { ext4Fallocate } from './ext4-fallocate.js';
import type { FallocateMode } from './fallocate.js';
import type { Inode } from './inode.js';
import { pagecacheIsizeExtended, truncatePagecache, zeroTail } from './truncate.js';

/**
 * A journalling file system without data checksums, after ext4 in ordered mode: blocks are overwritten in place, holes
 * get theirs at writeback (delayed allocation), metadata refers only to data that is on the disk.
 *
 * A dirty folio must have buffers, which page_mkwrite and write_begin attach. One without has been dirtied by somebody
 * who asked nobody: ext4 says so, and drops the data.
 */
export class Ext4 extends InPlaceFileSystem {
  /**
   * Bytes. Blocks smaller than a page make ext4 look at the old last page when a file grows; mke2fs gives them to small
   * disks.
   */
  protected readonly blockSize: number = 1024;
  /** Per page of a large dirty folio, 1 if it has dirty buffers; of other dirty folios every page has. */
  private readonly dirtyBuffers = new Map<number, Uint8Array>();

  /** Of a folio that is not valid, 1 for each block that was written to. What is in the others has been read as well. */
  private readonly validBlocks = new Map<number, Uint8Array>();

  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device, {
      kind: 'ext4',
      stableWrites: false,
      commitInterval: 5 * SEC,
      syncsWholeFile: false,
      sharesBlocks: false,
      maxOrder: 9,
    });
  }

  /** create_empty_buffers. */
  prepareWrite(_inode: Inode, folio: number): void {
    this.system.memory.frames.set(folio, PG_PRIVATE);
  }

  /** block_dirty_folio: all buffers. */
  override dirtyFolio(mapping: AddressSpace, folio: number): void {
    this.dirtyBuffers.delete(folio);
    super.dirtyFolio(mapping, folio);
  }

  /** block_commit_write: the buffers that were written. */
  dirtyPart(mapping: AddressSpace, folio: number, from: number, to: number): void {
    const { frames } = this.system.memory;
    const wasDirty = frames.has(folio, PG_DIRTY);
    if (frames.order(folio) === 0 || (wasDirty && !this.dirtyBuffers.has(folio))) {
      this.dirtyFolio(mapping, folio);
      return;
    }
    const buffers = (wasDirty ? this.dirtyBuffers.get(folio) : undefined) ?? new Uint8Array(frames.pages(folio));
    this.dirtyBuffers.set(folio, buffers.fill(1, pageOf(from), Math.ceil(to / PAGE_SIZE)));
    super.dirtyFolio(mapping, folio);
  }

  /** ext4_block_write_begin: only blocks that are written in part are read, so the folio is not valid yet. */
  override *readForWrite(inode: Inode, folio: number): Task<boolean> {
    if (this.validBlocks.has(folio)) return true;
    const { frames } = this.system.memory;
    const valid = yield* super.readForWrite(inode, folio);
    if (!valid || frames.order(folio) > 0 || this.blockSize >= PAGE_SIZE) return valid;
    frames.clear(folio, PG_UPTODATE);
    this.validBlocks.set(folio, new Uint8Array(PAGE_SIZE / this.blockSize));
    return true;
  }

  /** block_commit_write: the folio is valid once all its blocks are. */
  override writeEnd(mapping: AddressSpace, folio: number, from: number, to: number): void {
    const blocks = this.validBlocks.get(folio);
    blocks?.fill(1, Math.floor(from / this.blockSize), Math.ceil(to / this.blockSize));
    if (blocks?.includes(0) === true) {
      this.dirtyPart(mapping, folio, from, to);
      return;
    }
    this.validBlocks.delete(folio);
    super.writeEnd(mapping, folio, from, to);
  }

  /** block_read_full_folio: of a folio that was written in part the rest becomes valid. */
  override *readFolios(inode: Inode, folios: readonly number[]): Task {
    const { frames } = this.system.memory;
    for (const folio of folios) if (this.validBlocks.delete(folio)) frames.set(folio, PG_UPTODATE);
    const unread = folios.filter((folio) => !frames.has(folio, PG_UPTODATE));
    if (unread.length > 0) yield* super.readFolios(inode, unread);
  }

  freeFolio(folio: number): void {
    this.validBlocks.delete(folio);
    this.dirtyBuffers.delete(folio);
  }

  /** block_invalidate_folio: buffers that begin in the range are not dirty any more. */
  override invalidateFolio(_inode: Inode, folio: number, from: number, to: number): void {
    const { frames } = this.system.memory;
    if (frames.order(folio) === 0 || !frames.has(folio, PG_DIRTY) || !frames.has(folio, PG_PRIVATE)) return;
    const buffers = this.dirtyBuffers.get(folio) ?? new Uint8Array(frames.pages(folio)).fill(1);
    this.dirtyBuffers.set(folio, buffers.fill(0, Math.ceil(from / PAGE_SIZE), Math.floor(to / PAGE_SIZE)));
  }

  /** buffer_migrate_folio. */
  migrateFolio(from: number, to: number): void {
    const buffers = this.dirtyBuffers.get(from);
    this.dirtyBuffers.delete(from);
    if (buffers !== undefined) this.dirtyBuffers.set(to, buffers);
    const blocks = this.validBlocks.get(from);
    this.validBlocks.delete(from);
    if (blocks !== undefined) this.validBlocks.set(to, blocks);
  }

  /** try_to_free_buffers: a folio none of whose buffers is dirty is clean, whatever its flag says. */
  override releaseFolio(mapping: AddressSpace, folio: number): boolean {
    const { frames } = this.system.memory;
    if (this.dirtyBuffers.get(folio)?.includes(1) === false) {
      this.dirtyBuffers.delete(folio);
      frames.clear(folio, PG_DIRTY);
      mapping.pages.clearMark(frames.index[folio], 'dirty');
    }
    return super.releaseFolio(mapping, folio);
  }

  /** mpage_prepare_extent_to_map: looks for buffers before anything else, so the mappings are not even cleaned. */
  override acceptsDirty(inode: Inode, folio: number): boolean {
    const { frames } = this.system.memory;
    if (frames.has(folio, PG_PRIVATE)) return true;
    const page = frames.index[folio];
    this.complain(inode, page, `page ${String(page)} does not have buffers attached`);
    return false;
  }

  /** ext4_setattr: the page cache is truncated to the new size even where the file grows. */
  *resize(inode: Inode, size: number): Task {
    const before = inode.size;
    // Before the size: a commit in between must not show what lay behind the old end.
    if (size > before) yield* this.truncatePage(inode, before);
    this.setSize(inode, size);
    if (size > before) yield* pagecacheIsizeExtended(inode, before, size, this.blockSize);
    yield* truncatePagecache(inode);
    if (size > before) return;
    yield* this.truncatePage(inode, size);
    this.truncateBlocks(inode, size);
  }

  *fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
    yield* ext4Fallocate(inode, mode, offset, length, this.blockSize);
  }

  /** ext4_write_checks and ext4_da_write_end. */
  *extend(inode: Inode, offset: number): Task {
    yield* this.truncatePage(inode, inode.size);
    yield* pagecacheIsizeExtended(inode, inode.size, offset, this.blockSize);
  }

  /**
   * ext4_zero_partial_blocks, of one page: the blocks that lie in the range as a whole are no more; what it has of others
   * becomes zeros.
   */
  override *zeroPart(inode: Inode, start: number, end: number): Task<boolean> {
    if (start >= end || end - start === PAGE_SIZE || pageOf(start) >= inode.mapping.sizeInPages) return false;
    const first = Math.ceil(start / this.blockSize) * this.blockSize;
    const last = end - (end % this.blockSize);
    if (first < last) this.punchPart(inode, pageOf(start), first % PAGE_SIZE, last - pageOf(start) * PAGE_SIZE);
    let zeroed = false;
    if (start < first) zeroed = yield* this.zeroBlock(inode, start, Math.min(first, end));
    if (first <= last && last < end) zeroed = (yield* this.zeroBlock(inode, last, end)) || zeroed;
    return zeroed;
  }

  private punchPart(inode: Inode, page: number, from: number, to: number): void {
    const record = inode.blocks.record(page);
    if (record === undefined) return;
    inode.blocks.set(page, { ...record, holes: [...(record.holes ?? []), [from, to]] });
    this.metadataChanged(inode);
  }

  /** ext4_block_zero_page_range: bytes of one block, which is read if it has to be and dirtied, unless it is a hole. */
  private *zeroBlock(inode: Inode, start: number, end: number): Task<boolean> {
    const { memory } = this.system;
    const page = pageOf(start);
    const folio = yield* filemapGetFolio(inode, page, 0, false);
    if (folio < 0) throw new Errno('ENOMEM', `page ${String(page)} of ${inode.name} cannot be zeroed`);
    yield* memory.waitForWriteback(folio);
    const mapped = inode.blocks.block(page) !== HOLE || memory.frames.has(folio, PG_DIRTY);
    if (mapped) {
      if (!memory.frames.has(folio, PG_UPTODATE)) yield* this.readForWrite(inode, folio);
      const block = Math.floor((start % PAGE_SIZE) / this.blockSize);
      this.validBlocks.get(folio)?.fill(1, block, block + 1);
      memory.contents.clear(inode.mapping.pages.get(page), start % PAGE_SIZE, end - start);
      this.prepareWrite(inode, folio);
      const from = start - memory.frames.index[folio] * PAGE_SIZE;
      this.dirtyPart(inode.mapping, folio, from, from + end - start);
    }
    memory.unlockFolio(folio);
    memory.put(folio);
    return mapped;
  }

  /**
   * ext4_block_truncate_page: the zeros behind an end of the file go to the disk before the commit of any size that shows
   * them. What has no block yet needs no order: its size follows its data.
   */
  private *truncatePage(inode: Inode, end: number): Task {
    yield* zeroTail(inode, end);
    const page = pageOf(end);
    if (end % this.blockSize !== 0 && inode.blocks.block(page) !== HOLE) this.journal.orderData(inode, page);
  }
}
