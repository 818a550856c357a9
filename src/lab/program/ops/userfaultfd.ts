import { PAGE_SIZE } from '../../../base/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';

/** The ioctls of a userfaultfd. */
export const userfaultfdOps = {
  *uffd_register(world, args) {
    const uffd = world.userfaultfds.of(world.mmOf(args.proc));
    const modes = { missing: args.mode.includes('missing'), wp: args.mode.includes('wp') };
    yield* uffd.register(addressIn(world.areas.get(args.map), args.first), args.pages * PAGE_SIZE, modes);
    return DONE;
  },

  *uffd_wp(world, args) {
    const uffd = world.userfaultfds.of(world.mmOf(args.proc));
    yield* uffd.writeProtect(addressIn(world.areas.get(args.map), args.first), args.pages * PAGE_SIZE, args.on === 1);
    return DONE;
  },

  *uffd_unregister(world, args) {
    const uffd = world.userfaultfds.of(world.mmOf(args.proc));
    yield* uffd.unregister(addressIn(world.areas.get(args.map), args.first), args.pages * PAGE_SIZE);
    return DONE;
  },
} satisfies OpHandlers;
