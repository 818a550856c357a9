import {
  failureText,
  runBatch,
  subjectOf,
  testAt,
  testsFor,
  whyNot,
  type Selected,
  type Subject,
} from '../trial/index.js';
import type { DriverPlugin } from '../../devices/contract/index.js';

/** What defines tests: Jest's globals, or what is handed in instead. */
export interface TestFramework {
  readonly describe: (name: string, define: () => void) => void;
  readonly it: (name: string, test: () => void, timeout?: number) => void;
}

/** How much a driver is tried, and how failures say that it is tried again. */
export interface DescribeDriverOptions {
  /** `suite`, `suite.test`, `suite#seed` or `suite.test#seed`, as `pinless check-driver --only` takes it; default everything. */
  readonly only?: string;
  /** Storms; default 40. `pinless check-driver` makes 200. */
  readonly storms?: number;
  /** Random programs; default 500. `pinless check-driver` makes 10,000. */
  readonly programs?: number;
  /** The driver as `pinless check-driver` takes it, for the lines that say how to see a failure again; default its name. */
  readonly module?: string;
  /** Default: the globals `describe` and `it`. */
  readonly framework?: TestFramework;
}

/** Tests of one kind that many seeds are split into. */
const BATCHES = 4;

/** Milliseconds. Storms on a machine that does other things take their time. */
const TIMEOUT = 120_000;

/**
 * Defines Jest tests for a driver: the suites of `pinless check-driver`, each test an `it`, storms and programs in a few of
 * them. What does not apply to the driver is not defined. A test that fails says the rule, what was seen, and the command that
 * shows it again.
 *
 * @example
 * describeDriver(myDriver, { module: './my-driver.ts' });
 *
 * @throws Error if the plugin makes nothing, declares what there is not, or `only` names no test
 */
export function describeDriver(plugin: DriverPlugin, options: DescribeDriverOptions = {}): void {
  const { only, storms = 40, programs = 500, module = plugin.manifest.name, framework = globals() } = options;
  const subject = subjectOf(plugin);
  const runs = { storms, programs };
  const tests = testsFor(only === undefined ? { runs } : { only, runs });
  const mine = tests.filter((selected) => whyNot(testAt(selected), subject) === null);
  framework.describe(`driver "${subject.name}"`, () => {
    for (const suite of new Set(mine.map((selected) => selected.suite))) {
      framework.describe(suite, () => {
        const parts = mine.filter((selected) => selected.suite === suite).flatMap(split);
        for (const part of parts) framework.it(titleOf(part), tested(subject, part, module), TIMEOUT);
      });
    }
  });
}

/** A test of so many seeds in a few parts. */
function split(selected: Selected): Selected[] {
  const { from, count } = selected;
  const size = Math.max(1, Math.ceil(count / BATCHES));
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    ...selected,
    from: from + i * size,
    count: Math.min(size, count - i * size),
  }));
}

function titleOf(selected: Selected): string {
  const { test, from, count } = selected;
  if (testAt(selected).seeds === undefined) return test;
  const seeds = count === 1 ? `seed ${String(from)}` : `seeds ${String(from)} to ${String(from + count - 1)}`;
  return test === '' ? seeds : `${test}, ${seeds}`;
}

function tested(subject: Subject, selected: Selected, module: string): () => void {
  return () => {
    const { failures, ran } = runBatch(subject, selected);
    if (failures.length === 0) return;
    const text = failureText(selected, failures[0], subject.tried.kind, module);
    throw new Error(ran === 1 ? text : `${String(failures.length)} of ${String(ran)} runs failed. The first:\n${text}`);
  };
}

function globals(): TestFramework {
  const { describe, it } = globalThis as unknown as Partial<TestFramework>;
  if (describe !== undefined && it !== undefined) return { describe, it };
  throw new Error('describeDriver: there is no global describe and it; hand them in as `framework`');
}
