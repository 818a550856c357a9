import { KINDS, fuzzOne, type FuzzResult } from '../lab/index.js';
import { underTheRules } from '../trial/index.js';

export interface FuzzTask {
  readonly kind: string;
  /** Seeds [from, from + count). */
  readonly from: number;
  readonly count: number;
}

/** Generates and runs the programs of some seeds: the work of one thread. */
export default function fuzzPrograms({ kind, from, count }: FuzzTask): FuzzResult[] {
  const of = KINDS.find(({ name }) => name === kind);
  if (of === undefined) throw new Error(`there is no kind "${kind}"`);
  return Array.from({ length: count }, (_, i) => fuzzOne(of, from + i, underTheRules({ handsOverDirty: false })));
}
