import { PAGE_SIZE, pageOf } from '../base/index.js';
import { Gate, HotStream, MS, type Task } from '../engine/index.js';
import { forgetPageCache, type MmSystem, type RmapCost } from '../mm/index.js';
import { BlockAllocator } from './block-allocator.js';
import type { BlockDevice } from './block-device.js';
import type { BlockRecord } from './block-map.js';
import type { FileSystemTraits } from './file-system-traits.js';
import type { Inode } from './inode.js';
import { Journal } from './journal.js';

/** A file system noticed that something was done behind its back. Linux prints a warning or fails the I/O. */
export interface FsComplaint {
  readonly fs: string;
  readonly file: string;
  /** Page of the file. */
  readonly page: number;
  readonly message: string;
}

/** ns of a tick of the kernel's clock (CONFIG_HZ=250): timestamps of files are no finer. */
const CLOCK_TICK = 4 * MS;

/** What a mounted file system has on its disk: its files' metadata, its journal and its blocks (struct super_block). */
export abstract class SuperBlock {
  readonly complaints$ = new HotStream<FsComplaint>();
  /** Pages whose write to the disk has completed; they are durable after the next flush and commit. */
  readonly pageWritten$ = new HotStream<{ readonly inode: Inode; readonly page: number }>();
  /** s_writers: closed while the file system is frozen. */
  readonly writers: Gate;
  /** Complaints so far. */
  complaints = 0;
  readonly inodes: Inode[] = [];

  protected readonly blocks = new BlockAllocator();
  protected readonly journal: Journal;

  constructor(
    readonly system: MmSystem,
    readonly device: BlockDevice,
    readonly traits: FileSystemTraits,
  ) {
    this.writers = new Gate(system.simulation, `the frozen ${traits.kind}`, true);
    this.journal = new Journal(this, (block) => {
      this.blocks.free(block);
    });
  }

  /** file_update_time: the file's data change now. */
  updateTime(inode: Inode): void {
    const { now } = this.system.simulation;
    const tick = now - (now % CLOCK_TICK);
    if (inode.mtime === tick) return;
    inode.mtime = tick;
    this.journal.changed(inode, 'times');
  }

  /** True if a power loss would undo a change of the file's metadata: of any, or of what its data need. */
  mustCommit(inode: Inode, datasync = false): boolean {
    return this.journal.isPending(datasync ? inode.datasyncTid : inode.syncTid);
  }

  /** Empties the disk's cache. */
  *flush(): Task {
    yield* this.device.flush();
  }

  /** Makes metadata durable, with the data that it refers to. @param tid only if that transaction has not been yet */
  *commit(cost?: RmapCost, tid?: number): Task {
    yield* this.journal.commit(cost, tid);
  }

  /**
   * After a power loss: mounts again. What was not committed is gone, and nothing is in memory: the files are what the
   * disk has of them. Processes and devices of before keep the frames that they had, which are no file's any more; what
   * was under way comes to its end, in vain.
   */
  recover(): void {
    this.journal.abort();
    for (const inode of this.inodes) {
      inode.blocks.rollback();
      inode.mapping.size = inode.durableSize;
      inode.diskSize = inode.durableSize;
      forgetPageCache(this.system, inode.mapping);
    }
  }

  /** Whether what the disk has of a block is what was meant to be written there. */
  isIntact(block: number, checksum: number): boolean {
    return checksum === 0 || this.device.media.checksum(block) === checksum;
  }

  /** One more place of one or several files refers to a block: whoever writes there then takes another one. */
  shareBlock(block: number): void {
    this.blocks.share(block);
  }

  /** A block that is nobody's yet. */
  allocateBlock(): number {
    return this.blocks.allocate();
  }

  /** i_size and i_disksize change together, as they do in a truncation. */
  setSize(inode: Inode, size: number): void {
    inode.mapping.size = size;
    inode.diskSize = size;
    this.metadataChanged(inode);
  }

  /** The blocks of a file changed. */
  metadataChanged(inode: Inode): void {
    this.journal.changed(inode, 'data');
  }

  /**
   * A write of a page has completed: metadata may refer to it from now on.
   * @param end how far the data reach into the file, in bytes: i_disksize follows
   */
  pageWritten(inode: Inode, page: number, record: BlockRecord, end: number): void {
    const old = inode.blocks.record(page);
    const moved = old?.block !== record.block || old.checksum !== record.checksum || old.holes !== undefined;
    const grown = Math.min(end, inode.size) > inode.diskSize;
    if (moved) inode.blocks.set(page, record);
    if (grown) inode.diskSize = Math.min(end, inode.size);
    if (moved || grown) this.metadataChanged(inode);
    if (this.pageWritten$.observed) this.pageWritten$.emit({ inode, page });
  }

  /** Forgets the blocks from `size` on; the caller has dealt with the pages. */
  protected truncateBlocks(inode: Inode, size: number): void {
    inode.blocks.truncate(pageOf(size + PAGE_SIZE - 1));
    this.metadataChanged(inode);
  }

  protected complain(inode: Inode, page: number, message: string): void {
    const complaint = { fs: this.traits.kind, file: inode.name, page, message };
    this.complaints++;
    const { trace } = this.system.simulation;
    if (trace.on) trace.emit({ kind: 'fs_complaint', ...complaint });
    this.complaints$.emit(complaint);
  }
}
