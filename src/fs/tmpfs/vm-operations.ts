import type { Task } from '../../engine/index.js';
import { handleUserfault, type FaultResult, type VmFault, type VmOperations } from '../../mm/index.js';
import type { Inode } from '../inode.js';
import { FileVmOperations } from '../vm-operations.js';
import { USERFAULT, shmemGetFolio, shmemNewZeroFolio } from './get-folio.js';
import type { Tmpfs } from './tmpfs.js';

/** shmem_vm_ops: there is no page_mkwrite. */
export class ShmemVmOperations implements VmOperations {
  private readonly cached: FileVmOperations;

  constructor(
    private readonly fs: Tmpfs,
    private readonly inode: Inode,
  ) {
    this.cached = new FileVmOperations(inode);
  }

  /** shmem_fault: SIGBUS behind the end of the file; a hole becomes a page of zeros. */
  *fault(fault: VmFault): Task<FaultResult> {
    const { mapping } = this.inode;
    const { memory } = this.fs.system;
    if (fault.pgoff >= mapping.sizeInPages) return 'SIGBUS';
    const folio = yield* shmemGetFolio(this.fs, this.inode, fault.pgoff, 'cache', fault);
    if (folio === USERFAULT) return yield* handleUserfault(fault, false);
    if (folio < 0) return 'OOM';
    if (fault.pgoff >= mapping.sizeInPages) {
      // The file has shrunk meanwhile.
      memory.unlockFolio(folio);
      memory.put(folio);
      return 'SIGBUS';
    }
    fault.frame = folio + (fault.pgoff - memory.frames.index[folio]);
    return 'locked';
  }

  newZeroFolio(index: number): Task<number> {
    return shmemNewZeroFolio(this.fs, this.inode, index);
  }

  /** shmem_set_policy. */
  setPolicy(first: number, end: number, node: number | null): void {
    this.fs.policy(this.inode).set(first, end, node);
  }

  /** shmem_get_policy. */
  getPolicy(pgoff: number): number | null {
    return this.fs.policy(this.inode).lookup(pgoff);
  }

  mapPages(from: number, to: number, map: (pgoff: number, frame: number) => void): void {
    this.cached.mapPages(from, to, map);
  }
}
