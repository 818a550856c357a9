import { DONE, type OpHandlers } from '../op-handler.js';
import { probeFolios } from '../probes.js';

/** Ops that only look. */
export const probeOps = {
  *folios(world, args) {
    return { ...DONE, folios: cut(probeFolios(world.mmOf(args.proc), world.areas.get(args.map))) };
  },
} satisfies OpHandlers;

/** Characters after which a recorded list takes no more. */
const LONGEST_TEXT = 750;

/** A list as the recordings have it: with the entry that reaches that many characters it ends. */
function cut(list: readonly number[]): readonly number[] {
  let length = -1;
  const end = list.findIndex((entry) => (length += 1 + String(entry).length) >= LONGEST_TEXT);
  return end < 0 ? list : list.slice(0, end + 1);
}
