import { PAGE_SIZE } from '../../../base/index.js';
import { MS } from '../../../engine/index.js';
import {
  fadviseDontneed,
  freezeSuper,
  fsync,
  invalidateMappingPages,
  msync,
  syncFileRange,
  syncFilesystem,
  syncfs,
  thawSuper,
  writebackFilesystem,
  type SyncFileRangeFlag,
} from '../../../fs/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';

/** What makes files durable. */
export const syncOps = {
  *fsync(world, args) {
    yield* fsync(world.file(args.map).inode);
    return DONE;
  },

  *fdatasync(world, args) {
    yield* fsync(world.file(args.map).inode, undefined, true);
    return DONE;
  },

  *msync(world, args) {
    const address = addressIn(world.areas.get(args.map), args.first);
    yield* msync(world.mmOf(args.proc), address, args.pages * PAGE_SIZE, args.flags, () => undefined);
    return DONE;
  },

  *sync_file_range(world, args) {
    const last = (args.first + args.pages) * PAGE_SIZE - 1;
    const flags = new Set(args.flags.split(',') as SyncFileRangeFlag[]);
    yield* syncFileRange(world.file(args.map).inode, args.first * PAGE_SIZE, last, flags);
    return DONE;
  },

  *fadvise_dontneed(world, args) {
    yield* fadviseDontneed(world.file(args.map).inode);
    return DONE;
  },

  *syncfs(world, args) {
    yield* syncfs(world.file(args.map).inode.fs);
    return DONE;
  },

  *sync(world) {
    for (const fs of world.fileSystems) yield* syncFilesystem(fs);
    return DONE;
  },

  *wait_background_writeback(world) {
    for (const fs of world.fileSystems) yield* writebackFilesystem(fs);
    yield 1500 * MS;
    return DONE;
  },

  *freeze(world, args) {
    const { fs } = world.file(args.map).inode;
    yield* freezeSuper(fs);
    world.simulation.after(args.thaw_ms * MS, 'thaw', () => {
      thawSuper(fs);
    });
    return DONE;
  },

  *wait_thaw(world) {
    for (const fs of world.fileSystems) yield fs.writers;
    return DONE;
  },

  *drop_caches(world, args) {
    if ((args.n & 1) === 0) return DONE;
    world.system.lruBatches.drain();
    for (const fs of world.fileSystems) {
      for (const inode of fs.inodes) invalidateMappingPages(inode, { first: 0, end: Infinity });
    }
    return DONE;
  },
} satisfies OpHandlers;
