import { PG_DIRTY, type AddressSpace } from '../mm/index.js';
import type { Task } from '../engine/index.js';
import { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';

/** Files that are in memory and nowhere else: nothing is reserved, written back or made durable. */
export abstract class MemoryFileSystem extends FileSystem {
  prepareWrite(): void {
    // There is no disk on which anything would have to be reserved.
  }

  settle(): null {
    return null;
  }

  /** noop_dirty_folio. */
  override dirtyFolio(_mapping: AddressSpace, folio: number): void {
    this.system.memory.frames.set(folio, PG_DIRTY);
  }

  dirtyPart(mapping: AddressSpace, folio: number): void {
    this.dirtyFolio(mapping, folio);
  }

  invalidateFolio(): void {
    // Nothing is known of parts of a folio.
  }

  override releaseFolio(): boolean {
    return true;
  }

  acceptsDirty(): boolean {
    return true;
  }

  /** Never comes up: no folio is marked for writeback. */
  *writeFolio(_inode: Inode, folio: number): Task {
    this.system.memory.unlockFolio(folio);
    yield 0;
  }

  override *willNeed(): Task {
    // Nothing is anywhere else, but for what is on the swap device; whether that is read now nobody can tell.
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

  protected blankChecksum(): number {
    return 0;
  }
}
