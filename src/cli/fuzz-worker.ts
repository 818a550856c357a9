import { MachineRules, Rules } from '../check/index.js';
import { KINDS, fuzzOne, type FuzzResult, type ProgramWatch } from '../lab/index.js';

export interface FuzzTask {
  readonly kind: string;
  /** Seeds [from, from + count). */
  readonly from: number;
  readonly count: number;
}

const underTheRules: ProgramWatch = (world) => {
  const rules = new Rules(world.system);
  rules.watch(world.device.observed, { handsOverDirty: false });
  const machine = new MachineRules(world.system, world.device.observed);
  return {
    afterStep: () => {
      machine.afterStep([world.mm, ...world.children.values()]);
    },
    atEnd: () => {
      rules.finish();
      machine.atEnd();
    },
  };
};

/** Generates and runs the programs of some seeds: the work of one thread. */
export default function fuzzPrograms({ kind, from, count }: FuzzTask): FuzzResult[] {
  const of = KINDS.find(({ name }) => name === kind);
  if (of === undefined) throw new Error(`there is no kind "${kind}"`);
  return Array.from({ length: count }, (_, i) => fuzzOne(of, from + i, underTheRules));
}
