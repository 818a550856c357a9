import type { Task } from '../../engine/index.js';
import {
  VM_SHARED,
  ZERO_FRAME,
  insertPfn,
  unmapMappingRange,
  type FaultResult,
  type VmFault,
  type VmOperations,
} from '../../mm/index.js';
import type { Inode } from '../inode.js';
import type { Ext4Dax } from './ext4-dax.js';

/** What a DAX file does about faults (fs/dax.c): the device's own memory is mapped, there is no page cache. */
export class DaxVmOperations implements VmOperations {
  constructor(
    private readonly fs: Ext4Dax,
    private readonly inode: Inode,
  ) {}

  /** ext4_dax_fault. Entries are in place when it returns, but for a private mapping's own page, which the caller makes. */
  *fault(fault: VmFault): Task<FaultResult> {
    const { mapping } = this.inode;
    const { write, vma, pgoff } = fault;
    const shared = write && vma.has(VM_SHARED);
    if (shared && !this.fs.writers.isOpen) yield this.fs.writers;
    if (shared) this.fs.updateTime(this.inode);
    yield mapping.invalidateLock.shared;
    try {
      if (pgoff >= mapping.sizeInPages) return 'SIGBUS';
      if (write && !shared) return yield* this.cowSource(fault);
      return yield* this.mapPage(fault, shared);
    } finally {
      mapping.invalidateLock.releaseShared();
    }
  }

  /** A write to what is mapped for reading: as any other write. */
  pfnMkwrite(fault: VmFault): Task<FaultResult> {
    return this.fault(fault);
  }

  /** dax_fault_cow_page: where the private copy is to be made from. */
  private *cowSource(fault: VmFault): Task<FaultResult> {
    const { memory } = this.fs.system;
    const frame = this.fs.pageFrame(this.inode, fault.pgoff);
    fault.frame = frame === 0 ? ZERO_FRAME : frame;
    memory.frames.get(fault.frame);
    yield* memory.lockFolio(fault.frame);
    return 'locked';
  }

  /**
   * dax_fault_iter: the block, or the zero page for a read of a hole. A block that comes where the zero page is mapped
   * takes the page away from every mapping first.
   */
  private *mapPage(fault: VmFault, write: boolean): Task<FaultResult> {
    const { fs, inode } = this;
    const { vma, address, pgoff } = fault;
    const entries = fs.entries(inode);
    let frame = fs.pageFrame(inode, pgoff);
    if (frame === 0 && write) frame = fs.allocatePage(inode, pgoff);
    if (frame !== 0 && entries.isZero(pgoff)) yield* unmapMappingRange(inode.mapping, pgoff, pgoff + 1, false);
    entries.insert(pgoff, frame === 0, write);
    if (write) fs.markInodeDirty(inode);
    insertPfn(vma, address, frame === 0 ? ZERO_FRAME : frame, write);
    return 'done';
  }
}
