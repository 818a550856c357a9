import { Errno, HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE, pageOf } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import {
  MAX_PGOFF,
  VM_HUGETLB,
  addToPageCache,
  allocHugetlbFolio,
  copyHugetlbPageRange,
  moveHugetlbPageTables,
  removeFromPageCache,
  unmapMappingRange,
  type FaultResult,
  type MmSystem,
  type VmOperations,
} from '../../mm/index.js';
import type { BlockDevice } from '../block-device.js';
import type { FallocateMode } from '../fallocate.js';
import { lockFolioAt } from '../filemap.js';
import type { Inode } from '../inode.js';
import { MemoryFileSystem } from '../memory-file-system.js';

/** Faults do not come here: mm/ knows what hugetlb memory is made of. */
const VM_OPERATIONS: VmOperations = {
  *fault(): Task<FaultResult> {
    return 'SIGBUS';
  },
  copyRange: copyHugetlbPageRange,
  moveRange: moveHugetlbPageTables,
};

/** Files of huge pages (fs/hugetlbfs/inode.c): folios of 2 MiB, from a pool, made at the first fault. */
export class Hugetlbfs extends MemoryFileSystem {
  override readonly mmapFlags = VM_HUGETLB;

  constructor(system: MmSystem, device: BlockDevice) {
    super(system, device, 'hugetlbfs');
  }

  override vmOperations(): VmOperations {
    return VM_OPERATIONS;
  }

  /** hugetlbfs_read_iter: of a hole there is nothing but zeros. */
  override *pageForRead(inode: Inode, index: number): Task<number> {
    return inode.mapping.pages.get(index);
  }

  /** There is no write(2). */
  override *folioForWrite(inode: Inode): Task<number> {
    throw new Errno('EINVAL', `write to ${inode.name}, a file of huge pages`);
  }

  *directWrite(inode: Inode): Task<number> {
    return yield* this.folioForWrite(inode);
  }

  /** hugetlbfs_setattr: mappings of what lies behind the new end are told, whether the file shrinks or grows. */
  *resize(inode: Inode, size: number): Task {
    if (size % HPAGE_SIZE !== 0) throw new Errno('EINVAL', `ftruncate of ${inode.name} to ${String(size)} bytes`);
    inode.mapping.size = size;
    yield* unmapMappingRange(inode.mapping, pageOf(size), MAX_PGOFF, true);
    yield* this.removeHugepages(inode, pageOf(size), Infinity);
  }

  /** hugetlbfs_fallocate. */
  *fallocate(inode: Inode, mode: FallocateMode, offset: number, length: number): Task {
    const end = offset + length;
    if (mode === 'punch') yield* this.punch(inode, offset, end);
    else if (mode === 'alloc') yield* this.populate(inode, offset, end);
    else throw new Errno('EOPNOTSUPP', `fallocate ${mode} of ${inode.name}`);
  }

  /** hugetlbfs_punch_hole: whole huge pages go; of the others the part that is meant becomes zeros. */
  private *punch(inode: Inode, start: number, end: number): Task {
    const holeStart = Math.ceil(start / HPAGE_SIZE) * HPAGE_SIZE;
    const holeEnd = end - (end % HPAGE_SIZE);
    if (start < holeStart) this.zeroPartialPage(inode, start, Math.min(end, holeStart));
    if (holeEnd > holeStart) yield* unmapMappingRange(inode.mapping, pageOf(holeStart), pageOf(holeEnd), true);
    if (end > holeEnd && end > holeStart) this.zeroPartialPage(inode, holeEnd, end);
    if (holeEnd > holeStart) yield* this.removeHugepages(inode, pageOf(holeStart), pageOf(holeEnd));
  }

  private *populate(inode: Inode, start: number, end: number): Task {
    const { mapping } = inode;
    const first = pageOf(start - (start % HPAGE_SIZE));
    for (let index = first; index * PAGE_SIZE < end; index += PTRS_PER_PTE) {
      if (mapping.pages.get(index) !== 0) continue;
      const folio = yield* allocHugetlbFolio(this.system, null);
      if (folio < 0) throw new Errno('ENOMEM', `fallocate of ${inode.name}: no huge page is left`);
      addToPageCache(this.system, mapping, folio, index);
      this.system.memory.put(folio);
    }
    mapping.size = Math.max(mapping.size, end);
  }

  /** remove_inode_hugepages: nobody maps them any more; whoever pinned one keeps it. */
  private *removeHugepages(inode: Inode, first: number, end: number): Task {
    const { mapping } = inode;
    const { memory } = this.system;
    for (let index = mapping.pages.next(first, end); index >= 0; index = mapping.pages.next(index, end)) {
      const folio = yield* lockFolioAt(inode, index);
      if (folio < 0) continue;
      removeFromPageCache(this.system, mapping, folio);
      memory.unlockFolio(folio);
      memory.put(folio);
    }
  }

  /** hugetlbfs_zero_partial_page. */
  private zeroPartialPage(inode: Inode, start: number, end: number): void {
    const { contents } = this.system.memory;
    for (let at = start; at < end;) {
      const bytes = Math.min(PAGE_SIZE - (at % PAGE_SIZE), end - at);
      const frame = inode.mapping.pages.get(pageOf(at));
      if (frame !== 0) contents.clear(frame, at % PAGE_SIZE, bytes);
      at += bytes;
    }
  }
}
