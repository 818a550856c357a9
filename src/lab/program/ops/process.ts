import { MS, type Task } from '../../../engine/index.js';
import { exitMmap, forkMm } from '../../../mm/index.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import type { ProgramWorld } from '../program-world.js';

/** Processes. */
export const processOps = {
  *fork(world, args) {
    world.children.set(args.child, yield* forkMm(world.mmOf(args.proc), args.child));
    writeOwnPages(world);
    return DONE;
  },

  *exit(world, args) {
    if (args.proc === undefined) {
      yield* exitMain(world);
      return DONE;
    }
    yield* exitMmap(world.mmOf(args.proc));
    world.children.delete(args.proc);
    return DONE;
  },

  /** bprm_execve: the old address space goes as it does at exit; the device is close-on-exec. */
  *exec(world) {
    yield* exitMain(world);
    return DONE;
  },

  *kill(world) {
    world.exitSignal = 9;
    yield* exitMain(world);
    return DONE;
  },

  *after_exit(world) {
    return world.exitSignal === null ? DONE : { signal: world.exitSignal };
  },

  *set(world, args) {
    if (args.name === 'mthp64k') world.system.mthp64k = args.value;
    else world.system.shmemThp = args.value;
    return DONE;
  },

  *sleep(_world, args) {
    yield args.ms * MS;
    return DONE;
  },
} satisfies OpHandlers;

/**
 * Both processes write to their stacks, which they share now. A page that was copied after the last fork, and is not on the
 * LRU yet, drains the batches (wp_can_reuse_anon_folio); its next copy is as new.
 */
function writeOwnPages(world: ProgramWorld): void {
  const { lruBatches } = world.system;
  if (world.ownCopies === lruBatches.drains) lruBatches.drain();
  world.ownCopies = lruBatches.drains;
}

/**
 * do_exit: exit_mm before exit_files, so the device's regions go when the address space has gone; and not before the last
 * child that inherited the device's file has closed it.
 */
function* exitMain(world: ProgramWorld): Task {
  yield* exitMmap(world.mm);
  // Children have the device open, too: the last of them closes it, and what that unmaps is not the main process's.
  world.recorder.closedByChild = world.children.size > 0;
  for (const mm of world.children.values()) yield* exitMmap(mm);
  world.children.clear();
  yield* world.device.close(world.mm);
  world.recorder.note('subscriptions_destroy');
}
