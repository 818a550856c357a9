import { SAYS, type RuleId } from '../check/index.js';
import { isEnough, type Batch, type SeededFailure } from './run-batch.js';
import { nameOf, testAt, type Selected } from './select.js';
import type { Subject } from './subject.js';
import { whyNot } from './suite.js';

/** What is checked of a driver is a rule that binds drivers or the machine; the kernel's are broken by bugs of pinless. */
const RULES = (Object.keys(SAYS) as RuleId[]).filter((rule) => rule.startsWith('R'));

/** Tests that were to be run, what came of them in the order of their seeds, and whether a run never came back. */
export interface Tried {
  readonly selected: Selected;
  readonly batches: readonly Batch[];
  /** A run that ended its thread or kept it for ever, and why that is thought; null if there was none. */
  readonly lost: { readonly seed: number; readonly why: string } | null;
  /** True if it was not run to its end because other tests did not come back. */
  readonly givenUp: boolean;
}

/** How to see a failure again. */
export interface Replay {
  /** What `--only` takes. */
  readonly only: string;
  readonly program: readonly string[] | null;
}

type Status = 'passed' | 'failed' | 'not-applicable';

export interface RuleVerdict {
  readonly status: Status;
  /** What was seen, or why the rule says nothing of this driver. */
  readonly reason?: string;
  readonly replay?: Replay;
}

export interface TestVerdict {
  readonly name: string;
  readonly status: Status | 'not-run';
  /** Runs, and how many of them failed. */
  readonly ran: number;
  readonly failed: number;
  readonly rule?: RuleId;
  readonly reason?: string;
  readonly replay?: Replay;
  /** Why not all of its runs were made. */
  readonly stopped?: string;
}

export interface SuiteVerdict {
  readonly name: string;
  readonly tests: readonly TestVerdict[];
  /** Runs, and how many of them failed. */
  readonly ran: number;
  readonly failed: number;
  /** Tests that do not apply. */
  readonly notApplicable: number;
}

/** What is to be said of a driver. */
export interface Verdict {
  readonly driver: string;
  readonly title: string;
  readonly kind: Subject['tried']['kind'];
  readonly verdict: 'passed' | 'failed';
  readonly rules: Readonly<Record<string, RuleVerdict>>;
  readonly suites: readonly SuiteVerdict[];
}

/** The verdict on what was tried, in the order of suites. */
export function verdictOf(subject: Subject, tried: readonly Tried[]): Verdict {
  const tests = tried.map((one) => ({ suite: one.selected.suite, verdict: testVerdict(subject, one) }));
  const suites = [...new Set(tests.map(({ suite }) => suite))].map((name) => {
    const mine = tests.filter(({ suite }) => suite === name).map(({ verdict }) => verdict);
    return {
      name,
      tests: mine,
      ran: mine.reduce((sum, { ran }) => sum + ran, 0),
      failed: mine.reduce((sum, { failed }) => sum + failed, 0),
      notApplicable: mine.filter(({ status }) => status === 'not-applicable').length,
    };
  });
  return {
    driver: subject.name,
    title: subject.title,
    kind: subject.tried.kind,
    verdict: tests.every(({ verdict: { status } }) => status === 'passed' || status === 'not-applicable')
      ? 'passed'
      : 'failed',
    rules: Object.fromEntries(RULES.map((rule) => [rule, ruleVerdict(rule, subject, tried)])),
    suites,
  };
}

function testVerdict(subject: Subject, { selected, batches, lost, givenUp }: Tried): TestVerdict {
  const name = nameOf(selected);
  const why = whyNot(testAt(selected), subject);
  if (why !== null) return { name, status: 'not-applicable', ran: 0, failed: 0, reason: why };
  const failures = failuresOf(batches);
  const ran = batches.reduce((sum, batch) => sum + batch.ran, 0) + (lost === null ? 0 : 1);
  const failed = failures.length + (lost === null ? 0 : 1);
  const counts = { name, ran, failed };
  if (lost !== null) {
    return {
      ...counts,
      status: 'failed',
      reason: lost.why,
      replay: { only: onlyOf(selected, lost.seed), program: null },
    };
  }
  if (givenUp && failures.length === 0) {
    return { ...counts, status: 'not-run', reason: 'too many tests did not come back' };
  }
  if (failures.length === 0) return { ...counts, status: 'passed' };
  const [{ rule, reason, seed, program }] = failures;
  return {
    ...counts,
    status: 'failed',
    ...(rule === null ? {} : { rule }),
    reason,
    replay: { only: onlyOf(selected, seed), program },
    ...(isEnough(failures) && ran < selected.count
      ? { stopped: `stopped after ${String(failed)} of ${String(ran)} runs` }
      : {}),
  };
}

function ruleVerdict(rule: RuleId, { pins, tried: { kind } }: Subject, tried: readonly Tried[]): RuleVerdict {
  for (const { selected, batches } of tried) {
    const failure = failuresOf(batches).find((one) => one.rule === rule);
    if (failure === undefined) continue;
    const { reason, seed, program } = failure;
    return { status: 'failed', reason, replay: { only: onlyOf(selected, seed), program } };
  }
  if (pins && rule !== 'R19') {
    return { status: 'not-applicable', reason: 'the driver pins: the rules of mmu notifiers do not bind it' };
  }
  const exercised = tried.some(({ batches }) => batches.some((batch) => batch.exercised.includes(rule)));
  if (exercised) return { status: 'passed' };
  if (rule === 'R13' && kind === 'svm-device') return { status: 'not-applicable', reason: 'the device has no keys' };
  if (rule === 'R17') {
    return { status: 'not-applicable', reason: 'the device caused no notification of its own' };
  }
  return { status: 'not-applicable', reason: 'nothing that was run put it to the test' };
}

/** Failures in the order of seeds. */
function failuresOf(batches: readonly Batch[]): readonly SeededFailure[] {
  return batches.flatMap(({ failures }) => failures);
}

/** What `--only` takes to run it again. */
export function onlyOf(selected: Selected, seed: number): string {
  const name = nameOf(selected);
  return testAt(selected).seeds === undefined ? name : `${name}#${String(seed)}`;
}
