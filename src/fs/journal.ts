import { Lock, type Cancellable, type Task } from '../engine/index.js';
import type { RmapCost } from '../mm/index.js';
import type { Inode } from './inode.js';
import type { SuperBlock } from './super-block.js';
import { waitForWriteback, writeInode, type PageRange } from './writeback.js';

/**
 * What changed of a file system's metadata and when it becomes durable, after jbd2: one transaction collects changes, at
 * most one is being committed, all files together.
 */
export class Journal {
  /** Transactions by number: the one that collects changes, and the last one that is durable. */
  private running = 1;
  private committed = 0;
  /** Data that have to be on the disk before the running transaction is: t_inode_list. */
  private ordered: { readonly inode: Inode; readonly range: PageRange }[] = [];
  private readonly committing: Lock;
  private timer: Cancellable | null = null;
  /** Power losses: what began before the last one has nothing to say. */
  private losses = 0;

  /** @param free takes the blocks that nothing durable refers to any more */
  constructor(
    private readonly fs: SuperBlock,
    private readonly free: (block: number) => void,
  ) {
    this.committing = new Lock(fs.system.simulation, `the journal of ${fs.traits.kind}`);
  }

  /** Metadata of a file changed: `data` if its data could not be found again without, `times` if they could. */
  changed(inode: Inode, what: 'data' | 'times'): void {
    inode.syncTid = this.running;
    if (what === 'data') inode.datasyncTid = this.running;
    this.commitLater();
  }

  /** ext4_jbd2_inode_add_write: a page that the commit of what changes now has to write first. */
  orderData(inode: Inode, page: number): void {
    this.ordered.push({ inode, range: { first: page, end: page + 1 } });
  }

  /** True if a transaction is not durable yet. */
  isPending(tid: number): boolean {
    return tid > this.committed;
  }

  /**
   * Makes a transaction durable unless it is: writes the data that were ordered before it, flushes all that it refers to,
   * then commits. Either way the disk's cache has been emptied since the call.
   */
  *commit(cost: RmapCost = { deviceWaitNs: 0 }, tid = this.running): Task {
    yield this.committing;
    if (this.isPending(tid)) yield* this.commitRunning(cost);
    else yield* this.fs.device.flush();
    this.committing.release();
  }

  /** Power loss: what was not committed never happened. */
  abort(): void {
    this.losses++;
    this.ordered = [];
    this.committed = this.running++;
    this.timer?.cancel();
    this.timer = null;
  }

  private *commitRunning(cost: RmapCost): Task {
    const { device } = this.fs;
    const { losses } = this;
    const tid = this.running++;
    const inodes = this.fs.inodes.filter((inode) => inode.syncTid === tid);
    const sizes = inodes.map((inode) => inode.diskSize);
    for (const inode of inodes) inode.blocks.beginCommit();
    yield* this.writeOrdered(cost);
    yield* device.flush();
    if (inodes.length > 0) yield* device.writeMetadata(inodes.length + 1);
    if (this.losses !== losses) return;
    inodes.forEach((inode, i) => {
      // A block may be written again only once nothing durable refers to it.
      for (const block of inode.blocks.endCommit()) this.free(block);
      inode.durableSize = sizes[i];
    });
    this.committed = tid;
  }

  /** journal_submit_data_buffers and journal_finish_inode_data_buffers. */
  private *writeOrdered(cost: RmapCost): Task {
    const { ordered } = this;
    this.ordered = [];
    const written = { folios: 0, deviceWaitNs: 0 };
    for (const { inode, range } of ordered) yield* writeInode(inode, 'sync', range, written);
    for (const { inode, range } of ordered) yield* waitForWriteback(inode, range);
    cost.deviceWaitNs += written.deviceWaitNs;
  }

  /** What changed becomes durable by itself after the commit interval. */
  private commitLater(): void {
    if (this.timer !== null) return;
    const { system, traits, inodes } = this.fs;
    this.timer = system.simulation.after(traits.commitInterval, `${traits.kind} commit`, () => {
      this.timer = null;
      if (!inodes.some(({ syncTid }) => this.isPending(syncTid))) return;
      system.simulation.spawn(`${traits.kind} journal`, this.commit(), { daemon: true });
    });
  }
}
