import { Errno } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { Inode } from './inode.js';
import { WHOLE_FILE, waitForWriteback, writeInode, type PageRange, type WritebackCost } from './writeback.js';

/** What one fsync cost. */
export interface FsyncCost extends WritebackCost {
  /** ns from call to return */
  ns: number;
}

/**
 * fsync(2), and the part of msync(2) that is one mapping's: writes every page of the range that is dirty now, waits for
 * the disk, makes metadata durable and empties the disk's cache.
 *
 * What a device wrote through a pin into a page that counts as clean is not dirty, and not written.
 *
 * @param datasync fdatasync(2), and msync(2) too: timestamps alone need not become durable
 * @throws Errno EIO if data were lost since the last one
 */
export function* fsync(inode: Inode, range: PageRange = WHOLE_FILE, datasync = false): Task<FsyncCost> {
  const { fs } = inode;
  const { simulation } = fs.system;
  const began = simulation.now;
  const cost: FsyncCost = { folios: 0, deviceWaitNs: 0, ns: 0 };
  const synced = fs.traits.syncsWholeFile ? WHOLE_FILE : range;
  if (simulation.trace.on) simulation.trace.emit({ kind: 'fsync_start', file: inode.name });
  yield* writeInode(inode, 'sync', synced, cost);
  yield* waitForWriteback(inode, synced);
  if (fs.mustCommit(inode, datasync)) yield* fs.commit(cost, datasync ? inode.datasyncTid : inode.syncTid);
  else yield* fs.flush();
  cost.ns = simulation.now - began;
  if (simulation.trace.on) simulation.trace.emit({ kind: 'fsync_end', file: inode.name, folios: cost.folios });
  const { mapping } = inode;
  // noop_fsync asks nobody.
  if (mapping.options.canWriteback && mapping.checkAndAdvanceWbErr())
    throw new Errno('EIO', `data of ${inode.name} were lost`);
  return cost;
}
