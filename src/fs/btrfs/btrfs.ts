import { PAGE_SIZE, PageContents, pageAlignUp, pageOf } from '../../base/index.js';
import { SEC, type Task } from '../../engine/index.js';
import { PG_DIRTY, PG_PRIVATE, type AddressSpace, type MmSystem } from '../../mm/index.js';
import type { BlockDevice } from '../block-device.js';
import { dataOf } from '../buffered-direct-io.js';
import { performWrite } from '../buffered-write.js';
import type { FallocateMode } from '../fallocate.js';
import { FileSystem } from '../file-system.js';
import type { Inode } from '../inode.js';
import { invalidateMappingPages } from '../invalidate.js';
import { filemapWriteAndWaitRange } from '../sync-range.js';
import { truncatePagecache } from '../truncate.js';
import {
  clearDirtyForIo,
  endWriteback,
  startWriteback,
  zeroBehindEnd,
  type PageRange,
  type WritebackCost,
} from '../writeback.js';
import { BtrfsInode } from './btrfs-inode.js';
import { btrfsFallocate } from './fallocate.js';
import type { OrderedExtent } from './ordered-extents.js';
import { truncateBlock } from './truncate-block.js';

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
  private readonly states = new Map<Inode, BtrfsInode>();

  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device, {
      kind: 'btrfs',
      stableWrites: true,
      commitInterval: 30 * SEC,
      syncsWholeFile: true,
      sharesBlocks: true,
      maxOrder: 6,
    });
  }

  /** set_folio_extent_mapped, btrfs_set_extent_delalloc: reserves space for the copy. */
  prepareWrite(inode: Inode, folio: number, range: PageRange): void {
    this.system.memory.frames.set(folio, PG_PRIVATE);
    this.stateOf(inode).delalloc.add(range);
  }

  /** btrfs_page_mkwrite, lock_and_cleanup_extent_if_need: no page is dirtied that an ordered extent waits for. */
  override settle(inode: Inode, range: PageRange): Task | null {
    const state = this.stateOf(inode);
    const extent = state.ordered.overlapping(range);
    return extent === undefined ? null : state.startOrderedExtent(extent);
  }

  dirtyPart(mapping: AddressSpace, folio: number): void {
    this.dirtyFolio(mapping, folio);
  }

  /** btrfs_release_folio: every folio is attached to, whoever dirtied it. */
  override releaseFolio(mapping: AddressSpace, folio: number): boolean {
    return !this.system.memory.frames.has(folio, PG_DIRTY) && super.releaseFolio(mapping, folio);
  }

  /** btrfs_invalidate_folio: nothing is reserved for it any more. */
  override errorRemoveFolio(mapping: AddressSpace, folio: number): boolean {
    const { frames } = this.system.memory;
    const first = frames.index[folio];
    this.stateOf(this.inodeOf(mapping)).forget({ first, end: first + frames.pages(folio) });
    return super.errorRemoveFolio(mapping, folio);
  }

  /** open_ctree: 4 MiB, whatever the disk says. */
  override get readaheadPages(): number {
    return 1024;
  }

  /** extent_writepage. What lacks a reservation is put off. */
  *writeFolio(inode: Inode, folio: number, cost: WritebackCost): Task {
    const { memory } = this.system;
    const { ordered } = this.stateOf(inode);
    const first = memory.frames.index[folio];
    yield* this.stateOf(inode).runDelalloc(folio, cost);
    const due: { readonly page: number; readonly extent: OrderedExtent }[] = [];
    for (let page = first; page < first + memory.frames.pages(folio); page++) {
      const extent = ordered.awaiting(page);
      if (extent !== undefined) due.push({ page, extent });
    }
    if (due.length === 0) {
      this.redirtyForFixup(inode, folio);
      return;
    }
    // extent_writepage_io cleans again what extent_write_cache_pages has cleaned: drivers are told twice.
    yield* clearDirtyForIo(this.system, folio, cost);
    zeroBehindEnd(inode, folio);
    cost.folios++;
    startWriteback(inode, folio);
    memory.unlockFolio(folio);
    yield* this.submit(inode, folio, due);
  }

  /** btrfs_setsize. */
  *resize(inode: Inode, size: number): Task {
    if (size > inode.size) {
      yield* this.extend(inode, size);
      this.setSize(inode, size);
      return;
    }
    const state = this.stateOf(inode);
    this.setSize(inode, size);
    yield* truncatePagecache(inode);
    state.forget({ first: inode.mapping.sizeInPages, end: Infinity });
    // btrfs_truncate waits for the ordered extents from the last page on, and so has that page written first.
    yield* state.waitOrderedRange({ first: pageOf(size), end: Infinity });
    this.truncateBlocks(inode, size);
  }

  /** btrfs_cont_expand: only now does the old last page have to be zeros behind the old end on the disk. */
  *extend(inode: Inode, to: number): Task {
    const { size } = inode;
    yield* truncateBlock(inode, size, pageAlignUp(size));
    const hole = { first: Math.ceil(size / PAGE_SIZE), end: Math.ceil(to / PAGE_SIZE) };
    for (let unsettled = this.settle(inode, hole); unsettled !== null; unsettled = this.settle(inode, hole)) {
      yield* unsettled;
    }
  }

  *fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
    yield* btrfsFallocate(inode, this.stateOf(inode), mode, offset, length);
  }

  /** btrfs_direct_write: a buffer may change while its checksum is computed, so the write goes through the page cache. */
  *directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    const data = dataOf(inode, frames);
    const written = yield* performWrite(inode, offset, data.length, data);
    if (written === 0) return 0;
    yield* filemapWriteAndWaitRange(inode, offset, offset + written - 1);
    invalidateMappingPages(inode, { first: pageOf(offset), end: Math.ceil((offset + written) / PAGE_SIZE) });
    return written;
  }

  override *flushForRemap(source: Inode): Task {
    yield* this.stateOf(source).waitOrderedRange({ first: 0, end: Infinity });
  }

  override recover(): void {
    for (const state of this.states.values()) state.clear();
    super.recover();
  }

  /** btrfs_do_readpage: the disk may still have what a truncation cut off from the last page. */
  protected override isValid(inode: Inode, folio: number): boolean {
    const valid = super.isValid(inode, folio);
    if (valid) zeroBehindEnd(inode, folio);
    return valid;
  }

  private stateOf(inode: Inode): BtrfsInode {
    let state = this.states.get(inode);
    if (state === undefined) {
      state = new BtrfsInode(this.system.simulation, inode);
      this.states.set(inode, state);
    }
    return state;
  }

  /** extent_writepage_io: checksums and writes pages of a folio that is under writeback. */
  private *submit(
    inode: Inode,
    folio: number,
    due: readonly { readonly page: number; readonly extent: OrderedExtent }[],
  ): Task {
    const { memory } = this.system;
    const { ordered } = this.stateOf(inode);
    const { size } = inode;
    for (const { page, extent } of due) extent.pending.remove({ first: page, end: page + 1 });
    let left = due.length;
    const finished = (extent: OrderedExtent): void => {
      if (--left === 0) endWriteback(inode, folio);
      ordered.finish(extent, 1);
    };
    const first = memory.frames.index[folio];
    for (const { page, extent } of due) {
      if (page * PAGE_SIZE >= size) {
        finished(extent);
        continue;
      }
      const checksum = memory.contents.checksum(folio + page - first);
      yield CHECKSUM_NS;
      // Only a power loss takes a folio away from its file while it is being written.
      if (this.system.mappingOf(folio) !== inode.mapping) return;
      const block = this.allocateBlock();
      const end = Math.min(size, (page + 1) * PAGE_SIZE);
      this.device.submitWrite(memory.contents, folio + page - first, block, () => {
        this.pageWritten(inode, page, { block, checksum }, end);
        finished(extent);
      });
    }
  }

  protected override blankChecksum(): number {
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
    if (this.system.mappingOf(folio) === inode.mapping) {
      const first = memory.frames.index[folio];
      this.prepareWrite(inode, folio, { first, end: first + memory.frames.pages(folio) });
    }
    memory.unlockFolio(folio);
    memory.put(folio);
    this.beingFixed.delete(folio);
  }
}
