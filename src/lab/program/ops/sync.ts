import { fsync } from '../../../fs/index.js';
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
} satisfies OpHandlers;
