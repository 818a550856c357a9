import type { RuleId } from '../check/index.js';
import { testAt, type Selected } from './select.js';
import type { Subject } from './subject.js';
import type { TrialFailure } from './suite.js';

/** A failure and the seed of the run that failed. */
export interface SeededFailure extends TrialFailure {
  readonly seed: number;
}

/** How the runs of some seeds of a test went. */
export interface Batch {
  readonly ran: number;
  readonly failures: readonly SeededFailure[];
  readonly exercised: readonly RuleId[];
}

/** A test is stopped when so many of its runs have failed: more of them say nothing new. */
const ENOUGH = 10;

/**
 * Runs some seeds of a test. Of the failures of one rule the first is made small.
 * @param onSeed told before each run
 */
export function runBatch(
  subject: Subject,
  selected: Selected,
  onSeed: (seed: number) => void = () => undefined,
): Batch {
  const test = testAt(selected);
  const failures: SeededFailure[] = [];
  const exercised = new Set<RuleId>();
  const small = new Set<RuleId | null>();
  let ran = 0;
  for (let seed = selected.from; seed < selected.from + selected.count && !isEnough(failures); seed++) {
    onSeed(seed);
    ran++;
    const { failure: found, exercised: rules } = test.run(subject, seed, false);
    for (const rule of rules) exercised.add(rule);
    if (found === null) continue;
    const makeSmall = found.program !== null && !small.has(found.rule);
    const failure = makeSmall ? (test.run(subject, seed, true).failure ?? found) : found;
    small.add(found.rule).add(failure.rule);
    failures.push({ ...failure, seed });
  }
  return { ran, failures, exercised: [...exercised] };
}

/** Whether a test is to be run no more. */
export function isEnough(failures: readonly SeededFailure[]): boolean {
  return failures.length >= ENOUGH || failures.some(({ endless }) => endless === true);
}

/**
 * The batches of a test that count, in the order of their seeds: up to the one with which enough runs have failed. What others
 * have done at the same time does not, so that the verdict is the same however many threads there are.
 */
export function untilEnough(batches: readonly (Batch | undefined)[]): Batch[] {
  const counted: Batch[] = [];
  for (const batch of batches) {
    if (batch === undefined || isEnough(counted.flatMap(({ failures }) => failures))) break;
    counted.push(batch);
  }
  return counted;
}
