import { FAULTY_DRIVERS } from '../../devices/faulty/index.js';
import { runBatch, subjectOf } from '../../src/trial/index.js';

/** Where the mistake of each shows first: a test, or a storm for what is a race. */
const SHOWS: Readonly<Record<string, readonly [suite: string, test: string, seed: number]>> = {
  F16: ['gaps', 'read_then_write_file', 1],
  F17: ['storms', '', 1],
  F18: ['storms', '', 25],
  F19: ['gaps', 'writeback', 1],
  F20: ['storms', '', 1],
  F23: ['gaps', 'madv_free', 1],
  F24: ['gaps', 'unaligned_region', 1],
  'double-release': ['gaps', 'fork', 1],
  'leaked-hold': ['storms', '', 1],
  'unregister-race': ['storms', '', 9],
  'stale-child': ['storms', '', 1],
};

it.each(FAULTY_DRIVERS)('$id breaks $rule in the trial', ({ id, rule, plugin }) => {
  const [suite, test, from] = SHOWS[id];
  const { failures } = runBatch(subjectOf(plugin), { suite, test, from, count: 1 });
  expect(failures.map((failure) => failure.rule)).toEqual([rule]);
});
