import { SEC, type Task } from '../engine/index.js';
import { PG_DIRTY, type AddressSpace, type AddressSpaceOptions, type MmSystem } from '../mm/index.js';
import type { BlockDevice } from './block-device.js';
import { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';

/** Files that are in memory and nowhere else: nothing is reserved, written back or made durable. */
export abstract class MemoryFileSystem extends FileSystem {
  /** @param device has nothing to do */
  constructor(system: MmSystem, device: BlockDevice, kind: string) {
    super(system, device, {
      kind,
      stableWrites: false,
      commitInterval: SEC,
      syncsWholeFile: false,
      sharesBlocks: false,
      maxOrder: 0,
    });
  }

  protected override addressSpaceOptions(): AddressSpaceOptions {
    return { ...super.addressSpaceOptions(), canWriteback: false };
  }

  prepareWrite(): void {
    // There is no disk on which anything would have to be reserved.
  }

  /** noop_dirty_folio. */
  override dirtyFolio(_mapping: AddressSpace, folio: number): void {
    this.system.memory.frames.set(folio, PG_DIRTY);
  }

  dirtyPart(mapping: AddressSpace, folio: number): void {
    this.dirtyFolio(mapping, folio);
  }

  override releaseFolio(): boolean {
    return true;
  }

  /** Never comes up: no folio is marked for writeback. */
  *writeFolio(_inode: Inode, folio: number): Task {
    this.system.memory.unlockFolio(folio);
    yield 0;
  }

  override *willNeed(): Task {
    // Nothing is anywhere else, but for what is on the swap device; whether that is read now nobody can tell.
    this.system.lruBatches.drain();
  }

  *extend(): Task {
    // What lies between is a hole.
  }

  override updateTime(inode: Inode): void {
    inode.mtime = this.system.simulation.now;
  }

  override setSize(inode: Inode, size: number): void {
    inode.mapping.size = size;
  }

  /** noop_fsync. */
  override *flush(): Task {
    // There is no disk.
  }
}
