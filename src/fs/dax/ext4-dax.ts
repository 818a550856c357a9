import { PAGE_SIZE, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { MAX_PGOFF, VM_HUGEPAGE, unmapMappingRange, type MmSystem, type VmOperations } from '../../mm/index.js';
import type { BlockDevice } from '../block-device.js';
import { HOLE } from '../block-map.js';
import { bufferedDirectRead, dataOf } from '../buffered-direct-io.js';
import type { WriteData } from '../buffered-write.js';
import { Ext4 } from '../ext4.js';
import type { FallocateMode } from '../fallocate.js';
import type { Inode } from '../inode.js';
import type { PageRange, WritebackCost, WritebackMode } from '../writeback.js';
import { DaxEntries } from './dax-entries.js';
import { DaxVmOperations } from './dax-fault.js';
import { daxWrite, daxWriteback } from './dax-io.js';
import { Pmem } from './pmem.js';

/**
 * ext4 mounted with -o dax, on persistent memory: files are mapped, read and written where they lie. Without a page cache
 * there is nothing to be written back, but for the CPU's own cache.
 */
export class Ext4Dax extends Ext4 {
  override readonly isDax = true;
  override readonly mmapFlags = VM_HUGEPAGE;
  /** Blocks are pages: nothing else can be mapped. */
  protected override readonly blockSize = PAGE_SIZE;
  private readonly pmem: Pmem;
  private readonly entriesOf = new Map<Inode, DaxEntries>();

  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device);
    this.pmem = new Pmem(system.memory);
  }

  override vmOperations(inode: Inode): VmOperations {
    return new DaxVmOperations(this, inode);
  }

  entries(inode: Inode): DaxEntries {
    let entries = this.entriesOf.get(inode);
    if (entries === undefined) this.entriesOf.set(inode, (entries = new DaxEntries()));
    return entries;
  }

  /** The frame that a page of the file lies in; 0 for a hole. */
  pageFrame(inode: Inode, index: number): number {
    const record = inode.blocks.data(index);
    return record === undefined ? 0 : this.pmem.frame(record.block);
  }

  /** ext4_iomap_begin for writing: a page that was a hole gets a block of zeros (EXT4_GET_BLOCKS_CREATE_ZERO). */
  allocatePage(inode: Inode, index: number): number {
    const known = inode.blocks.block(index);
    const block = known === HOLE ? this.allocateBlock() : known;
    const frame = this.pmem.frame(block);
    this.system.memory.contents.clear(frame);
    this.pageWritten(inode, index, { block, checksum: 0 }, 0);
    return frame;
  }

  override *bufferedWrite(inode: Inode, offset: number, length: number, data: WriteData): Task<number> {
    return yield* daxWrite(this, inode, offset, length, data);
  }

  override *pageForRead(inode: Inode, index: number): Task<number> {
    return this.pageFrame(inode, index);
  }

  /** O_DIRECT is what every read and write is. */
  override *directRead(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    return yield* bufferedDirectRead(inode, offset, frames);
  }

  override *directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    const data = dataOf(inode, frames);
    return yield* daxWrite(this, inode, offset, data.length, data);
  }

  override *willNeed(): Task {
    // What is there can be used as it is.
  }

  override *writepages(inode: Inode, mode: WritebackMode, _cost: WritebackCost, range: PageRange): Task {
    yield* daxWriteback(this, inode, mode, range);
  }

  /** dax_zero_range, within one page. */
  override *zeroPart(inode: Inode, start: number, end: number): Task<boolean> {
    const frame = this.pageFrame(inode, pageOf(start));
    if (start >= end || end - start === PAGE_SIZE || frame === 0) return false;
    this.system.memory.contents.clear(frame, start % PAGE_SIZE, end - start);
    return true;
  }

  override *resize(inode: Inode, size: number): Task {
    yield* this.breakLayouts(inode);
    yield* super.resize(inode, size);
  }

  override *fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
    if (mode !== 'alloc') yield* this.breakLayouts(inode);
    yield* super.fallocate(inode, mode, offset, length);
  }

  /** ext4_break_layouts: before blocks move, nobody maps any of the file, and what was dirty is known no more. */
  private *breakLayouts(inode: Inode): Task {
    yield* unmapMappingRange(inode.mapping, 0, MAX_PGOFF, false);
    this.entries(inode).clear();
  }
}
