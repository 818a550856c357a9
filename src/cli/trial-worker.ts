import { Rules } from '../check/index.js';
import { DeadlockError, LivelockError, messageOf } from '../engine/index.js';
import {
  KINDS,
  fuzzOne,
  operationPrograms,
  parseProgram,
  runProgram,
  stormRound,
  withImplicitExit,
} from '../lab/index.js';
import { driverFactoryOf, type DriverFactory } from '../../devices/contract/index.js';
import { observeNic } from '../../devices/nic/index.js';
import { loadDriver } from './load-drivers.js';
import { underTheRules } from './under-the-rules.js';

/** What a thread tries a driver with. */
export interface TrialTask {
  readonly suite: 'operations' | 'storms' | 'programs';
  readonly driver: string;
  /** Operations, seeds or programs [from, from + count). */
  readonly from: number;
  readonly count: number;
}

/** Something that did not go well. */
export interface TrialFailure {
  readonly suite: TrialTask['suite'];
  /** The rule that was broken; null for another failure: a crash, a deadlock, an error of the driver. */
  readonly rule: string | null;
  readonly reason: string;
  /** What makes it happen again: the seed of a storm, or lines of a program. */
  readonly seed: number | null;
  readonly program: readonly string[] | null;
}

/** Tries a driver: the work of one thread. */
export default async function tryDriver(task: TrialTask): Promise<TrialFailure[]> {
  const create = driverFactoryOf(await loadDriver('check-driver', task.driver));
  const each = Array.from({ length: task.count }, (_, i) => task.from + i);
  switch (task.suite) {
    case 'storms':
      return each.flatMap((seed) => stormFailure(seed, create));
    case 'programs':
      return each.flatMap((number) => programFailure(number, create));
    default:
      return each.flatMap((index) => operationFailure(index, create));
  }
}

/** Number of operations that there are. */
export const OPERATIONS = operationPrograms().length;

function stormFailure(seed: number, create: DriverFactory): TrialFailure[] {
  let rules: Rules | null = null;
  try {
    stormRound(seed, create, ({ kernel }, nic) => {
      const watching = new Rules(kernel.mm);
      watching.watch(observeNic(nic));
      rules = watching;
      return () => {
        watching.finish();
      };
    });
    return [];
  } catch (error) {
    const violation = (rules as Rules | null)?.explain(error) ?? null;
    const stuck = error instanceof DeadlockError || error instanceof LivelockError;
    const reason = violation === null || stuck ? messages(error) : `rule ${violation.rule}: ${violation.after.what}`;
    return [{ suite: 'storms', rule: violation?.rule ?? null, reason, seed, program: null }];
  }
}

function programFailure(number: number, create: DriverFactory): TrialFailure[] {
  const kind = KINDS[number % KINDS.length];
  const { failure } = fuzzOne(kind, number, underTheRules(true), create);
  return failure === null ? [] : [failed('programs', failure.reason, failure.program)];
}

function operationFailure(index: number, create: DriverFactory): TrialFailure[] {
  const { program } = operationPrograms()[index];
  const options = { probes: false, watch: underTheRules(true), driver: create };
  const { stopped } = runProgram(withImplicitExit(parseProgram(program.join('\n'))), options);
  return stopped?.modelled === true ? [failed('operations', stopped.reason, program)] : [];
}

function failed(suite: TrialTask['suite'], reason: string, program: readonly string[]): TrialFailure {
  return { suite, rule: /\brule ([RK]\d+)\b/.exec(reason)?.[1] ?? null, reason, seed: null, program };
}

/** An error and what caused it. */
function messages(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messages(cause)}`;
}
