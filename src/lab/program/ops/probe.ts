import { DONE, type OpHandlers } from '../op-handler.js';
import { probeFolios } from '../probes.js';

/** Ops that only look. */
export const probeOps = {
  *folios(world, args) {
    return { ...DONE, folios: probeFolios(world.mmOf(args.proc), world.areas.get(args.map)) };
  },
} satisfies OpHandlers;
