import { SEC, type Simulation, type Task, type Timer } from '../engine/index.js';
import type { BackgroundWriteback } from '../mm/index.js';
import type { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';
import { WHOLE_FILE, writeInode } from './writeback.js';

/** /proc/sys/vm/dirty_writeback_centisecs and dirty_expire_centisecs, in ns. */
export interface WritebackTimers {
  /** The flusher wakes every so often while something is dirty; 0: never. */
  readonly writeback: number;
  /** An inode is written once it has been dirty for that long. */
  readonly expire: number;
}

/** Linux's defaults: 5 s and 30 s. */
export const LINUX_WRITEBACK_TIMERS: WritebackTimers = { writeback: 5 * SEC, expire: 30 * SEC };

/**
 * Background writeback (fs/fs-writeback.c): wakes 5 s after an inode became dirty, then every 5 s while any is, and writes
 * those that have been dirty for 30 s, without waiting for the disk.
 *
 * An inode is dirty from its first dirty page until background writeback has been over it. An fsync in between cleans
 * pages, not the inode: what is dirtied after it is as old as the inode.
 */
export class Flusher implements BackgroundWriteback {
  /** Folios written in the background since the start. */
  folios = 0;

  private readonly dirty = new Set<Inode>();
  private readonly alarm: Timer;
  private writing = false;
  /** Somebody needs memory: everything is to be written, whatever its age. */
  private urgent = false;

  constructor(
    private readonly simulation: Simulation,
    private readonly timers: WritebackTimers,
  ) {
    this.alarm = simulation.timer('flusher', () => {
      simulation.spawn('flusher', this.pass(), { daemon: true });
    });
  }

  /** Writes the files of `fs` in the background from now on. */
  serve(fs: FileSystem): void {
    fs.onInodeDirty = this.noteDirty.bind(this);
  }

  /** wakeup_flusher_threads: a pass over everything that is dirty, now or after the pass that is under way. */
  wake(): void {
    this.urgent = true;
    if (!this.writing) this.alarm.arm(0);
  }

  private noteDirty(inode: Inode): void {
    this.dirty.add(inode);
    this.wakeLater();
  }

  /** wb_wakeup_delayed. One pass at a time: the next is due some time after the end of this one. */
  private wakeLater(): void {
    if (this.timers.writeback > 0 && !this.alarm.armed && !this.writing) this.alarm.arm(this.timers.writeback);
  }

  private *pass(): Task {
    this.writing = true;
    yield* this.writeInodes(this.takeUrgency());
    // Who called meanwhile may have dirtied what this pass has been over.
    while (this.takeUrgency()) yield* this.writeInodes(true);
    this.writing = false;
    if (this.dirty.size > 0) this.wakeLater();
  }

  private takeUrgency(): boolean {
    const { urgent } = this;
    this.urgent = false;
    return urgent;
  }

  /** wb_check_old_data_flush: the oldest inodes first; all of them if that is urgent. */
  private *writeInodes(urgent: boolean): Task {
    const oldest = [...this.dirty].sort((a, b) => age(a) - age(b));
    for (const inode of oldest) {
      if (urgent || age(inode) + this.timers.expire <= this.simulation.now) yield* this.writeSingleInode(inode);
    }
  }

  /** writeback_single_inode: an inode that is dirty again when its pages have been written, is so from now. */
  private *writeSingleInode(inode: Inode): Task {
    const cost = { folios: 0, deviceWaitNs: 0 };
    yield* writeInode(inode, 'background', WHOLE_FILE, cost);
    this.folios += cost.folios;
    inode.dirtiedWhen = inode.mapping.pages.anyMarked('dirty') ? this.simulation.now : null;
    if (inode.dirtiedWhen === null) this.dirty.delete(inode);
  }
}

function age(inode: Inode): number {
  return inode.dirtiedWhen ?? Infinity;
}
