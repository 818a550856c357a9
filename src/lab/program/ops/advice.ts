import { PAGE_SIZE } from '../../../base/index.js';
import type { Task } from '../../../engine/index.js';
import {
  ADVICES,
  clearRefs,
  madvise,
  mlock,
  mprotect,
  munlock,
  type AdviceAction,
  type MmStruct,
} from '../../../mm/index.js';
import { addressIn } from '../areas.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import type { Advice } from '../op-table.js';
import { NotModelled } from '../program-error.js';
import { PROT } from './prot.js';

const MODELLED: Readonly<Partial<Record<Advice, AdviceAction>>> = ADVICES;

/** What changes how mapped memory is treated. */
export const adviceOps = {
  *madvise(world, args) {
    const area = world.areas.get(args.map);
    yield* madviseByName(world.mmOf(args.proc), addressIn(area, args.first), args.pages * PAGE_SIZE, args.advice);
    return DONE;
  },

  *mprotect(world, args) {
    const area = world.areas.get(args.map);
    yield* mprotect(world.mmOf(args.proc), addressIn(area, args.first), args.pages * PAGE_SIZE, PROT[args.prot]);
    return DONE;
  },

  *mlock(world, args) {
    const area = world.areas.get(args.map);
    yield* mlock(world.mmOf(args.proc), addressIn(area, args.first), args.pages * PAGE_SIZE);
    return DONE;
  },

  *munlock(world, args) {
    const area = world.areas.get(args.map);
    yield* munlock(world.mmOf(args.proc), addressIn(area, args.first), args.pages * PAGE_SIZE);
    return DONE;
  },

  *clear_refs(world, args) {
    yield* clearRefs(world.mmOf(args.proc), args.n);
    return DONE;
  },
} satisfies OpHandlers;

/** @throws Errno as madvise(2); NotModelled */
export function* madviseByName(mm: MmStruct, address: number, length: number, advice: Advice): Task {
  const action = MODELLED[advice];
  if (action === undefined) throw new NotModelled(`madvise ${advice} is not modelled`);
  yield* madvise(mm, address, length, action);
}
