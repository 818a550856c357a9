import type { Suite, Test } from './suite.js';
import { SUITES } from './suites/index.js';

/** A test by its names. */
export interface TestRef {
  readonly suite: string;
  /** Empty for the only test of a suite that has no names. */
  readonly test: string;
}

/** A test to run, with seeds [from, from + count); one run without a seed counts as seed 1. */
export interface Selected extends TestRef {
  readonly from: number;
  readonly count: number;
}

export interface SelectOptions {
  /** `suite`, `suite.test`, `suite#seed` or `suite.test#seed`; absent: everything. */
  readonly only?: string;
  /** How many runs of a test that has seeds, by its name; default as many as it says. */
  readonly runs?: Readonly<Record<string, number>>;
}

/** The largest seed that can be asked for. */
const LAST_SEED = 1_000_000_000;

/** The tests that are asked for. @throws Error, naming what there is, if there is no such test */
export function testsFor({ only, runs = {} }: SelectOptions): Selected[] {
  if (only === undefined) return SUITES.flatMap((suite) => suite.tests.map((test) => whole(suite, test, runs)));
  const match = /^([a-z0-9_-]+)(?:\.([a-z0-9_-]+))?(?:#(\d+))?$/i.exec(only);
  if (match === null) throw new Error(`"${only}" is not of the form suite, suite.test, suite#seed or suite.test#seed`);
  const [, suiteName, testName, seed] = match as unknown as [string, string, string | undefined, string | undefined];
  const suite = suiteNamed(suiteName);
  const tests = testName === undefined ? suite.tests : [testNamed(suite, testName)];
  if (seed === undefined) return tests.map((test) => whole(suite, test, runs));
  return tests.map((test) => {
    if (test.seeds === undefined) throw new Error(`${nameOf({ suite: suite.name, test: test.name })} takes no seed`);
    return { suite: suite.name, test: test.name, from: seedOf(seed, suite, test), count: 1 };
  });
}

/** A test by its names. @throws Error if there is none */
export function testAt(ref: TestRef): Test {
  return testNamed(suiteNamed(ref.suite), ref.test);
}

/** `suite.test`, or the suite's name alone. */
export function nameOf({ suite, test }: TestRef): string {
  return test === '' ? suite : `${suite}.${test}`;
}

function whole({ name }: Suite, test: Test, runs: Readonly<Record<string, number>>): Selected {
  const count = test.seeds === undefined ? 1 : (runs[nameOf({ suite: name, test: test.name })] ?? test.seeds);
  return { suite: name, test: test.name, from: 1, count };
}

function suiteNamed(name: string): Suite {
  const suite = SUITES.find((each) => each.name === name);
  if (suite !== undefined) return suite;
  throw new Error(`there is no suite "${name}"; there are ${SUITES.map((each) => each.name).join(', ')}`);
}

function testNamed(suite: Suite, name: string): Test {
  const test = suite.tests.find((each) => each.name === name);
  if (test !== undefined) return test;
  throw new Error(
    `suite "${suite.name}" has no test "${name}"; it has ${suite.tests.map((each) => each.name).join(', ')}`,
  );
}

function seedOf(text: string, suite: Suite, test: Test): number {
  const seed = Number(text);
  const last = test.bounded === true ? (test.seeds ?? 1) : LAST_SEED;
  if (seed >= 1 && seed <= last) return seed;
  const name = nameOf({ suite: suite.name, test: test.name });
  throw new Error(`seeds of ${name} go from 1 to ${String(last)}, not "${text}"`);
}
