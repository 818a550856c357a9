import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import {
  PG_DIRTY,
  PG_PRIVATE,
  PG_UPTODATE,
  removeFromPageCache,
  type AddressSpace,
  type AddressSpaceOperations,
  type AddressSpaceOptions,
  type VmOperations,
} from '../mm/index.js';
import { BlockMap } from './block-map.js';
import { cachedPage } from './buffered-read.js';
import { performWrite, type WriteData } from './buffered-write.js';
import { iomapDioRead } from './direct-io.js';
import type { FallocateMode } from './fallocate.js';
import { filemapGetFolio } from './filemap.js';
import { Inode } from './inode.js';
import { readPages, type PageRead } from './read-pages.js';
import { forceReadahead } from './readahead.js';
import { SuperBlock } from './super-block.js';
import { FileVmOperations } from './vm-operations.js';
import { writeAndWait, writeCachePages, type PageRange, type WritebackCost, type WritebackMode } from './writeback.js';
import { zeroCachedPart } from './zero-range.js';

/** 128 KiB. */
const VM_READAHEAD_PAGES = 32;

/**
 * A mounted file system: its files, and what it does at each step of reading, writing and writeback.
 *
 * The steps that differ between file systems are methods; the order in which they happen is in writeback.ts and
 * truncate.ts.
 */
export abstract class FileSystem extends SuperBlock implements AddressSpaceOperations {
  /** VM_* flags that every mapping of a file has (f_op->mmap). */
  readonly mmapFlags: number = 0;
  /** IS_DAX: files lie in memory of the device that can be mapped as it is. */
  readonly isDax: boolean = false;
  private readonly byMapping = new Map<AddressSpace, Inode>();

  /** Pages of the largest readahead window (ra_pages, from blk_apply_bdi_limits). */
  get readaheadPages(): number {
    return Math.max(VM_READAHEAD_PAGES, Math.floor((2 * (this.device.profile.optimalIo ?? 0)) / PAGE_SIZE));
  }

  /**
   * Called under the folio lock before pages of it may become writable: reserves what their writeback will need.
   * @param range pages of the file, within the folio
   */
  abstract prepareWrite(inode: Inode, folio: number, range: PageRange): void;

  /** fallocate(2), all of it; the caller holds i_rwsem and the invalidate_lock exclusively. @throws Errno */
  abstract fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task;

  /** O_DIRECT write(2) of whole pages from frames of memory; the caller holds i_rwsem exclusively. @returns bytes written */
  abstract directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number>;

  /** O_DIRECT read(2) of whole pages into frames of memory. @returns bytes read */
  *directRead(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    return yield* iomapDioRead(inode, offset, frames);
  }

  /** The frame that read(2) finds a page in, valid: 0 for zeros that have none, -1 if memory has run out. @throws Errno EIO */
  *pageForRead(inode: Inode, index: number, wanted: number): Task<number> {
    return yield* cachedPage(inode, index, wanted);
  }

  /** The folio that write(2) puts a page into: locked and referenced, of 2^`order` pages at most; -1 without memory. */
  *folioForWrite(inode: Inode, index: number, order: number): Task<number> {
    return yield* filemapGetFolio(inode, index, order, false);
  }

  /** write(2) of bytes; the caller holds i_rwsem exclusively. @returns bytes written, fewer if memory has run out @throws Errno EIO */
  *bufferedWrite(inode: Inode, offset: number, length: number, data: WriteData): Task<number> {
    return yield* performWrite(inode, offset, length, data);
  }

  /** writepages: writes what is dirty of a range of pages. */
  *writepages(inode: Inode, mode: WritebackMode, cost: WritebackCost, range: PageRange): Task {
    yield* writeCachePages(inode, mode, cost, range);
  }

  /** Bytes [start, end) of one page become zeros on the disk too. @returns whether there was anything to be zeroed */
  *zeroPart(inode: Inode, start: number, end: number): Task<boolean> {
    return yield* zeroCachedPart(inode, start, end);
  }

  /** Reads pages [first, end) ahead. */
  *willNeed(inode: Inode, first: number, end: number): Task {
    yield* forceReadahead(inode, first, end);
  }

  /** What mappings of a file do about faults. */
  vmOperations(inode: Inode): VmOperations {
    return new FileVmOperations(inode);
  }

  /** generic_remap_file_range_prep, before another file may share the blocks of this one: its dirty pages go to the disk. */
  *flushForRemap(source: Inode): Task {
    yield* writeAndWait(source);
  }

  /**
   * What has to be waited for before pages of the file may be written to, with no folio of it locked; null if nothing.
   * Asked under the folio lock. Absent: never anything.
   */
  settle?(inode: Inode, range: PageRange): Task | null;

  /**
   * write_begin, of part of a locked folio that is not valid: reads what will not be overwritten.
   * @returns false if the disk does not have what was written to it
   */
  *readForWrite(inode: Inode, folio: number): Task<boolean> {
    yield* this.readFolios(inode, [folio]);
    return this.system.memory.frames.has(folio, PG_UPTODATE);
  }

  /** write_end: bytes [from, to) of a locked folio were written, and the rest had been read. */
  writeEnd(mapping: AddressSpace, folio: number, from: number, to: number): void {
    this.system.memory.frames.set(folio, PG_UPTODATE);
    this.dirtyPart(mapping, folio, from, to);
  }

  /** As dirtyFolio, by a write to bytes [from, to) of the locked folio. */
  abstract dirtyPart(mapping: AddressSpace, folio: number, from: number, to: number): void;

  /**
   * invalidate_folio: bytes [from, to) of a locked folio, not all of it, are no longer the file's. Absent: it stays dirty
   * as a whole.
   */
  invalidateFolio?(inode: Inode, folio: number, from: number, to: number): void;

  /** Asked at W1 about a dirty folio: false if it has to be dropped, as if it were clean. Absent: none has to be. */
  acceptsDirty?(inode: Inode, folio: number): boolean;

  /**
   * Writes a folio that has just been cleaned for I/O and is locked: W3 to W6 of the order of writeback. Unlocks it, and
   * counts it in `cost` if it goes to the disk.
   */
  abstract writeFolio(inode: Inode, folio: number, cost: WritebackCost): Task;

  /** ftruncate, in the file system's order of steps. The caller holds i_rwsem and the invalidate_lock exclusively. */
  abstract resize(inode: Inode, size: number): Task;

  /** write(2) begins at `offset`, behind the end of the file. The caller holds i_rwsem exclusively. */
  abstract extend(inode: Inode, offset: number): Task;

  /** Checksum that a block which nobody has written has; 0 without checksums. */
  protected blankChecksum(): number {
    return 0;
  }

  /**
   * Makes a file that exists before the run.
   * @param size bytes
   * @param content `written`: it has blocks on the disk; `hole`: it has none
   */
  createFile(name: string, size: number, content: 'written' | 'hole'): Inode {
    const mapping = this.system.newAddressSpace(name, this, this.addressSpaceOptions());
    mapping.size = size;
    const pages = content === 'written' ? mapping.sizeInPages : 0;
    const extent = { first: this.blocks.allocate(pages), pages, checksum: this.blankChecksum() };
    const inode = new Inode(this, this.inodes.length + 1, name, mapping, new BlockMap(extent));
    this.inodes.push(inode);
    this.byMapping.set(mapping, inode);
    return inode;
  }

  /** What its files are to mm/. */
  protected addressSpaceOptions(): AddressSpaceOptions {
    const { stableWrites, maxOrder } = this.traits;
    return { stableWrites, canWriteback: true, maxOrder };
  }

  inodeOf(mapping: AddressSpace): Inode {
    const inode = this.byMapping.get(mapping);
    if (inode === undefined) throw new Error(`${mapping.name} is no file of this ${this.traits.kind}`);
    return inode;
  }

  /** dirty_folio. */
  dirtyFolio(mapping: AddressSpace, folio: number): void {
    const { frames } = this.system.memory;
    if (frames.has(folio, PG_DIRTY)) return;
    frames.set(folio, PG_DIRTY);
    mapping.pages.setMark(frames.index[folio], 'dirty');
    this.markInodeDirty(this.inodeOf(mapping));
  }

  /** __mark_inode_dirty(I_DIRTY_PAGES). */
  markInodeDirty(inode: Inode): void {
    if (inode.dirtiedWhen !== null) return;
    inode.dirtiedWhen = this.system.simulation.now;
    this.onInodeDirty(inode);
  }

  /** generic_error_remove_folio: as in a truncation. What was dirty is lost. */
  errorRemoveFolio(mapping: AddressSpace, folio: number): boolean {
    removeFromPageCache(this.system, mapping, folio);
    return true;
  }

  /**
   * filemap_release_folio: gives up what prepareWrite attached to a clean folio; a dirty one still needs it, unless it was
   * dirtied without.
   */
  releaseFolio(_mapping: AddressSpace, folio: number): boolean {
    const { frames } = this.system.memory;
    if (frames.has(folio, PG_PRIVATE) && frames.has(folio, PG_DIRTY)) return false;
    frames.clear(folio, PG_PRIVATE);
    return true;
  }

  /** Told of every inode that becomes dirty: the flusher's cue. */
  onInodeDirty: (inode: Inode) => void = nobody;

  /**
   * read_folio, readahead: fills locked folios from the disk and makes them valid; holes are zeros. A folio of which a
   * block is not what was written there stays as it is.
   */
  *readFolios(inode: Inode, folios: readonly number[]): Task {
    const { frames } = this.system.memory;
    const reads: PageRead[] = [];
    for (const folio of folios) {
      for (let i = 0; i < frames.pages(folio); i++) reads.push({ page: frames.index[folio] + i, frame: folio + i });
    }
    yield* readPages(inode, reads);
    for (const folio of folios) {
      if (this.isValid(inode, folio)) frames.set(folio, PG_UPTODATE);
    }
  }

  /** Whether what was read of a folio is what was written: false if a checksum says otherwise. */
  protected isValid(inode: Inode, folio: number): boolean {
    const { frames, contents } = this.system.memory;
    for (let i = 0; i < frames.pages(folio); i++) {
      const page = frames.index[folio] + i;
      const checksum = inode.blocks.data(page)?.checksum ?? 0;
      if (checksum === 0 || contents.checksum(folio + i) === checksum) continue;
      this.complain(inode, page, `csum failed ino ${String(inode.ino)} off ${String(page * PAGE_SIZE)}`);
      return false;
    }
    return true;
  }
}

function nobody(): void {
  // Nobody asked to be told.
}
