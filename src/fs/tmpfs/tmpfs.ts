import { Errno, PAGE_SIZE } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import {
  MAX_PGOFF,
  PG_HWPOISON,
  PG_UPTODATE,
  SharedPolicy,
  unmapMappingRange,
  type AddressSpace,
  type AddressSpaceOptions,
  type MmSystem,
  type ThpPolicy,
  type VmOperations,
} from '../../mm/index.js';
import type { BlockDevice } from '../block-device.js';
import { bufferedDirectRead, dataOf } from '../buffered-direct-io.js';
import { performWrite } from '../buffered-write.js';
import type { FallocateMode } from '../fallocate.js';
import type { Inode } from '../inode.js';
import { MemoryFileSystem } from '../memory-file-system.js';
import { shmemFallocate } from './fallocate.js';
import { shmemGetFolio } from './get-folio.js';
import { SwappedPages, shmemWriteout } from './swap.js';
import { shmemUndoRange } from './undo-range.js';
import { ShmemVmOperations } from './vm-operations.js';

/**
 * Files in memory, after tmpfs: the page cache is all there is of them. Nothing is written back and nothing is tracked, so
 * whoever maps a page for reading may write to it too, where the mapping allows that.
 */
export class Tmpfs extends MemoryFileSystem {
  private readonly swappedPages = new Map<Inode, SwappedPages>();
  private readonly policies = new Map<Inode, SharedPolicy>();

  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device, 'tmpfs');
  }

  protected override addressSpaceOptions(): AddressSpaceOptions {
    return { ...super.addressSpaceOptions(), isShmem: true };
  }

  /** Whether faults make folios of 2 MiB: the mount option huge=, `never` unless given. */
  hugePolicy(): ThpPolicy {
    return 'never';
  }

  override vmOperations(inode: Inode): VmOperations {
    return new ShmemVmOperations(this, inode);
  }

  /** What of a file is on the swap device. */
  swapped(inode: Inode): SwappedPages {
    let pages = this.swappedPages.get(inode);
    if (pages === undefined) this.swappedPages.set(inode, (pages = new SwappedPages()));
    return pages;
  }

  /** From which NUMA nodes the pages of a file come. */
  policy(inode: Inode): SharedPolicy {
    let policy = this.policies.get(inode);
    if (policy === undefined) this.policies.set(inode, (policy = new SharedPolicy()));
    return policy;
  }

  *swapOut(mapping: AddressSpace, folio: number): Task {
    yield* shmemWriteout(this, mapping, folio);
  }

  isSwapped(mapping: AddressSpace, first: number, end: number): boolean {
    return this.swapped(this.inodeOf(mapping)).any(first, end);
  }

  *getFolio(mapping: AddressSpace, index: number): Task<number> {
    return yield* shmemGetFolio(this, this.inodeOf(mapping), index, 'cache');
  }

  /** Of what is not there yet, all is zeros. */
  override *readFolios(_inode: Inode, folios: readonly number[]): Task {
    const { frames, contents } = this.system.memory;
    for (const folio of folios) {
      for (let i = 0; i < frames.pages(folio); i++) contents.clear(folio + i);
      frames.set(folio, PG_UPTODATE);
    }
  }

  /** shmem_file_read_iter: a hole stays one. */
  override *pageForRead(inode: Inode, index: number): Task<number> {
    const folio = yield* shmemGetFolio(this, inode, index, 'read');
    if (folio < 0) return 0;
    const { memory } = this.system;
    const frame = folio + (index - memory.frames.index[folio]);
    memory.unlockFolio(folio);
    memory.put(folio);
    if (memory.frames.has(frame, PG_HWPOISON))
      throw new Errno('EIO', `page ${String(index)} of ${inode.name} is broken`);
    return frame;
  }

  override *folioForWrite(inode: Inode, index: number): Task<number> {
    const folio = yield* shmemGetFolio(this, inode, index, 'write');
    const { memory } = this.system;
    if (folio < 0 || !memory.frames.has(folio, PG_HWPOISON)) return folio;
    memory.unlockFolio(folio);
    memory.put(folio);
    throw new Errno('EIO', `page ${String(index)} of ${inode.name} is broken`);
  }

  /** shmem_setattr. */
  *resize(inode: Inode, size: number): Task {
    const before = inode.size;
    inode.mapping.size = size;
    if (size > before) return;
    const firstGone = Math.ceil(size / PAGE_SIZE);
    const shrinks = before > firstGone * PAGE_SIZE;
    if (shrinks) yield* unmapMappingRange(inode.mapping, firstGone, MAX_PGOFF, true);
    yield* shmemUndoRange(this, inode, size, Infinity);
    if (shrinks) yield* unmapMappingRange(inode.mapping, firstGone, MAX_PGOFF, true);
  }

  *fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
    yield* shmemFallocate(this, inode, mode, offset, length);
  }

  /** O_DIRECT is accepted, and read(2) as ever. */
  override *directRead(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    return yield* bufferedDirectRead(inode, offset, frames);
  }

  *directWrite(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
    const data = dataOf(inode, frames);
    return yield* performWrite(inode, offset, data.length, data);
  }
}
