import {
  Irreproducible,
  describeReport,
  driverRaces,
  explore,
  scenariosOf,
  type DriverScenario,
  type ExploreOptions,
  type ExploreReport,
  type RuleId,
} from '../../check/index.js';
import type { MmSystem } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import type { Subject } from '../subject.js';
import type { Outcome, Suite } from '../suite.js';
import { Census } from '../watch/census.js';
import { explained } from '../watch/trial-watch.js';
import { EVERYBODY } from './needs.js';

/** More than any race takes of the drivers that come with pinless; the steps are for those that never end. */
const ALL: ExploreOptions = { budget: { executions: 10_000, steps: 300_000 } };

const AT_RANDOM: ExploreOptions = { search: 'pct', budget: { executions: 2_000 } };

/** Executions that may be spent on making a schedule that fails a shorter one. */
const SHRINK = 2_000;

const UNCOVERED = 'there being too many schedules (pinless explore has no limit)';

/** Steps after which a run is endless: twenty times as many as any takes. */
const STEP_LIMIT = 1_000;

/** Small races between the device and the kernel, each under every schedule, as `pinless explore` runs them. */
export const exploration: Suite = {
  name: 'exploration',
  title: 'races with the kernel under every schedule, up to 10,000 each',
  tests: [
    ...driverRaces().map(({ name }) => ({
      name,
      needs: EVERYBODY,
      run: (subject: Subject) => explored(subject, name, ALL),
    })),
    // What two drivers keep in common, in their module for one, is nothing that the search knows of; chance does without.
    {
      name: 'two-devices-at-random',
      needs: EVERYBODY,
      run: (subject) => explored(subject, 'two-devices', AT_RANDOM),
    },
  ],
};

function explored(subject: Subject, name: string, options: ExploreOptions): Outcome {
  const exercised = new Set<RuleId>();
  // Of the machine that was made last: each execution makes one, and puts its devices on it before the next.
  let latest: { readonly system: MmSystem; readonly census: Census } | null = null;
  const watch = (system: MmSystem, device: ObservedDevice): void => {
    if (latest?.system !== system) latest = { system, census: new Census(system, exercised) };
    latest.census.watch(device);
  };
  const race = scenariosOf(subject.tried, !subject.pins, watch).find((one) => one.name === name);
  if (race === undefined) throw new Error(`there is no race "${name}"`);
  const report = reportOf(race, options);
  if (report instanceof Irreproducible || report.executions === report.tooLong) {
    const reason = report instanceof Irreproducible ? report.message : describeReport(report);
    return { failure: { rule: null, reason, program: null }, exercised };
  }
  if (report.failure === null) {
    return { failure: null, exercised, ...(report.complete || options !== ALL ? {} : { uncovered: UNCOVERED }) };
  }
  const { rule, reason } = explained(race.explain(report.failure.error), report.failure.message);
  return { failure: { rule, reason: `${reason}\n${describeReport(report)}`, program: null }, exercised };
}

function reportOf({ name, scenario }: DriverScenario, options: ExploreOptions): ExploreReport | Irreproducible {
  try {
    return explore(scenario, { name, ...options, stepLimit: STEP_LIMIT, shrink: SHRINK });
  } catch (error) {
    if (error instanceof Irreproducible) return error;
    throw error;
  }
}
