import { messageOf } from '../../engine/index.js';
import type { ExploreOptions } from './explore-options.js';
import { failureKind } from './failure-kind.js';
import { narrate } from './narrative.js';
import { Narrator } from './narrator.js';
import type { ProcessTable } from './processes.js';
import type { Failure } from './report.js';
import { contextSwitches, saveSchedule } from './schedule.js';
import { Irreproducible } from './schedule-mismatch.js';
import { shrink } from './shrink.js';
import type { Scenario } from './stage.js';

/** What it may cost to look for a shorter schedule. */
const SHRINK_EXECUTIONS = 10_000;

/** A schedule under which a scenario fails. */
export interface FailingSchedule {
  readonly error: unknown;
  /** Who took each step, by numbers of the table. */
  readonly taken: readonly number[];
  readonly processes: ProcessTable;
}

/** All that is to be said of a failing schedule, once it has been shrunk. */
export function explained(
  scenario: Scenario,
  name: string,
  stepLimit: number,
  found: FailingSchedule,
  options: Pick<ExploreOptions, 'shrink' | 'isLeft'>,
): Failure {
  const { shrink: wanted = SHRINK_EXECUTIONS, isLeft } = options;
  const executions = wanted === true ? SHRINK_EXECUTIONS : wanted;
  const short =
    executions === false
      ? { ...found, fewest: false }
      : shrink(scenario, failureKind(found.error), found.taken, found.processes, stepLimit, executions);
  const { processes, fewest } = short;
  const narrator = new Narrator(stepLimit, short.taken, processes);
  const ending = narrator.run(scenario);
  if (ending.kind !== 'failed') throw notTheSame(name, found.error);
  const taken = [...narrator.taken];
  const message = messageOf(ending.error);
  const culprit = processes.family(taken.at(-1) ?? 0);
  const onLeft = (process: number): boolean =>
    isLeft === undefined ? processes.family(process) === culprit : isLeft(processes.names[process]);
  return {
    error: ending.error,
    message,
    schedule: saveSchedule(name, message, taken, processes),
    steps: taken.length,
    contextSwitches: contextSwitches(taken),
    fewest,
    foundWith: { steps: found.taken.length, contextSwitches: contextSwitches(found.taken) },
    narrative: narrate(narrator.told, processes, onLeft, message),
  };
}

/** A scenario was run twice under one schedule and did not do the same. */
export function notTheSame(name: string, cause: unknown): Irreproducible {
  return new Irreproducible(`scenario "${name}" does not do the same twice: a schedule failed and then did not`, {
    cause,
  });
}
