import { isErrno } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { PG_READAHEAD, PG_UPTODATE, type FaultResult, type VmFault, type VmOperations } from '../mm/index.js';
import { lockCachedFolio } from './filemap.js';
import type { Inode } from './inode.js';
import { asyncMmapReadahead, syncMmapReadahead } from './readahead.js';

/** What a file does about faults on its mappings: filemap_fault and the file system's page_mkwrite. */
export class FileVmOperations implements VmOperations {
  constructor(private readonly inode: Inode) {}

  /** filemap_fault: `locked` with the folio valid, locked and referenced; SIGBUS behind the end of the file. */
  *fault(fault: VmFault): Task<FaultResult> {
    const { mapping, fs } = this.inode;
    const { memory } = fs.system;
    if (fault.pgoff >= mapping.sizeInPages) return 'SIGBUS';
    const cached = mapping.pages.get(fault.pgoff);
    const readAhead =
      cached === 0
        ? yield* syncMmapReadahead(this.inode, fault)
        : yield* asyncMmapReadahead(this.inode, fault, memory.frames.folioOf(cached));
    let folio: number;
    try {
      folio = yield* lockCachedFolio(this.inode, fault.pgoff);
    } catch (error) {
      if (isErrno(error, 'EIO')) return 'SIGBUS';
      throw error;
    }
    if (folio < 0) return 'OOM';
    // The file may have shrunk while the page came from the disk.
    if (fault.pgoff >= mapping.sizeInPages) {
      memory.unlockFolio(folio);
      memory.put(folio);
      return 'SIGBUS';
    }
    if (readAhead && fault.allowRetry) {
      // mmap_lock was let go for the disk (maybe_unlock_mmap_for_io): everything is looked up again.
      fault.allowRetry = false;
      memory.unlockFolio(folio);
      memory.put(folio);
      return 'retry';
    }
    fault.frame = folio + (fault.pgoff - memory.frames.index[folio]);
    return 'locked';
  }

  /** filemap_map_pages. A page with the readahead mark is left to a fault of its own, which reads on. */
  mapPages(from: number, to: number, map: (pgoff: number, frame: number) => void): void {
    const { mapping, fs, readahead } = this.inode;
    const { memory } = fs.system;
    const end = Math.min(to, mapping.sizeInPages);
    for (let page = mapping.pages.next(from, end); page >= 0; page = mapping.pages.next(page + 1, end)) {
      const frame = mapping.pages.get(page);
      const folio = memory.frames.folioOf(frame);
      if (!memory.frames.has(folio, PG_UPTODATE) || memory.frames.has(folio, PG_READAHEAD)) continue;
      if (memory.isLocked(folio)) continue;
      if (readahead.mmapMiss > 0) readahead.mmapMiss--;
      map(page, frame);
    }
  }

  /**
   * page_mkwrite: changes the file's time, reserves what a write needs, dirties the folio and leaves it locked. On a file
   * system with stable pages it waits until the page has been written.
   */
  *pageMkwrite(fault: VmFault): Task<FaultResult> {
    const { mapping, fs } = this.inode;
    const { memory } = fs.system;
    const folio = memory.frames.folioOf(fault.frame);
    if (!fs.writers.isOpen) yield fs.writers;
    fs.updateTime(this.inode);
    for (;;) {
      // A truncation holds the lock from before it changes the size until the pages are gone.
      yield mapping.invalidateLock.shared;
      yield* memory.lockFolio(folio);
      if (fs.system.mappingOf(folio) !== mapping) {
        memory.unlockFolio(folio);
        mapping.invalidateLock.releaseShared();
        return 'retry';
      }
      if (mapping.options.stableWrites) yield* memory.waitForWriteback(folio);
      const first = memory.frames.index[folio];
      const range = { first, end: Math.min(first + memory.frames.pages(folio), mapping.sizeInPages) };
      const unsettled = fs.settle?.(this.inode, range) ?? null;
      if (unsettled === null) {
        fs.prepareWrite(this.inode, folio, range);
        break;
      }
      memory.unlockFolio(folio);
      mapping.invalidateLock.releaseShared();
      yield* unsettled;
    }
    fs.system.markDirty(folio);
    mapping.invalidateLock.releaseShared();
    return 'locked';
  }
}
