import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '../../engine/index.js';
import { BudgetWatch, plural } from './budget-watch.js';
import { explained, notTheSame, type FailingSchedule } from './failing-schedule.js';
import { failureKind } from './failure-kind.js';
import { newSearch } from './new-search.js';
import { checkOptions } from './check-options.js';
import type { Ending } from './director.js';
import type { ExploreOptions } from './explore-options.js';
import { ReplayDirector, planOf, type Plan } from './replay-director.js';
import type { ExploreReport, Failure } from './report.js';
import { checkedSchedule, parseSchedule, type SavedSchedule } from './schedule.js';
import { RandomSearch } from './random-search.js';
import type { Search } from './search.js';
import type { Scenario } from './stage.js';

const STEP_LIMIT = 10_000;

/** Why a schedule that a search left out may be none of those that it ran. */
const UNTOLD = 'tasks share what the search was not told of (stage.shared, stage.state, stage.within)';

/** How many samples are taken unless somebody says. */
const SAMPLES = { executions: 10_000 };

/**
 * Runs a scenario over schedules and says what it has seen.
 *
 * @throws Error if an option cannot be what it is
 * @throws Irreproducible if the scenario does not do the same each time, or a schedule to replay is another scenario's
 *
 * @example
 * const report = explore(scenario, { search: 'dpor', budget: { executions: 100_000 } });
 * expect(report.complete && report.failure === null).toBe(true);
 */
export function explore(scenario: Scenario, options: ExploreOptions = {}): ExploreReport {
  checkOptions(options);
  return new Exploration(scenario, options).run();
}

/** One call of explore. */
class Exploration {
  private readonly name: string;
  private readonly stepLimit: number;
  private readonly outcomes = new Map<string, number>();
  private executions = 0;
  private steps = 0;
  private failures = 0;
  private readonly failureKinds = new Map<string, number>();
  private failure: Failure | null = null;

  constructor(
    private readonly scenario: Scenario,
    private readonly options: ExploreOptions,
  ) {
    this.name = options.name ?? (scenario.name === '' ? 'scenario' : scenario.name);
    this.stepLimit = options.stepLimit ?? STEP_LIMIT;
  }

  run(): ExploreReport {
    const { replay } = this.options;
    return replay === undefined ? this.search(newSearch(this.options, this.stepLimit)) : this.replay(loaded(replay));
  }

  private search(search: Search): ExploreReport {
    const { budget = search.exhaustive ? {} : SAMPLES, stopAtFirst = true } = this.options;
    const watch = new BudgetWatch(budget);
    let why: string | null = null;
    let failed = false;
    for (;;) {
      const ending = search.run(this.scenario);
      this.count(ending, search.steps);
      if (ending.kind === 'failed') this.failed(ending.error, search.plan());
      // No schedule had a say in that.
      if (ending.kind === 'failed' && search.steps === 0)
        return this.report(search, 'it fails before its first step', true);
      if (this.failures > 0 && stopAtFirst) {
        failed = true;
        break;
      }
      if (!search.advance(ending)) break;
      why = watch.exceeded(this.executions, this.steps, search.states ?? 0);
      if (why !== null) {
        why = `stopped after ${why}`;
        break;
      }
    }
    if (failed) return this.report(search, 'stopped at the first schedule that fails', false);
    const covered = search.coverage(this.executions);
    if (!search.exhaustive) {
      return this.report(search, search.tooLong > 0 ? this.givenUp(search, covered) : covered, false);
    }
    if (why !== null) return this.report(search, `${why}, short of ${covered}`, false);
    if (search.tooLong > 0) return this.report(search, this.givenUp(search, covered), false);
    const missed = search.reduces && this.failures === 0 ? this.spotCheck() : null;
    return missed === null ? this.report(search, covered, true) : this.report(search, missed, false);
  }

  /** A search that leaves schedules out for what steps do has not seen what those would have done that were not taken. */
  private givenUp(search: Search, covered: string): string {
    const given = `${plural(search.tooLong, 'execution')} given up after ${plural(this.stepLimit, 'step')}`;
    return search.reduces
      ? `${given} and not looked at any further, short of ${covered}`
      : `${covered}, but for ${given}`;
  }

  /** Runs schedules at random: each must be like one that has been run. @returns what is wrong if one is not */
  private spotCheck(): string | null {
    const { spotChecks = 0, seed = 1 } = this.options;
    const search = new RandomSearch(this.stepLimit, seed);
    for (let i = 0; i < spotChecks; i++) {
      const ending = search.run(this.scenario);
      if (ending.kind === 'failed') {
        this.failed(ending.error, search.plan());
        // Whether fewer switches will do has been found out by what the search was told, too.
        if (this.failure !== null) this.failure = { ...this.failure, fewest: false };
        return `a schedule that should be like one of these fails: ${UNTOLD}`;
      }
      if (ending.kind === 'cut' || ending.outcome === undefined) continue;
      const outcome = String(ending.outcome);
      if (!this.outcomes.has(outcome))
        return `a schedule that should be like one of these leads to ${outcome}: ${UNTOLD}`;
    }
    return null;
  }

  private replay(schedule: SavedSchedule): ExploreReport {
    const director = new ReplayDirector(this.stepLimit, planOf(schedule));
    const ending = director.run(this.scenario);
    this.count(ending, director.steps);
    if (ending.kind === 'failed') {
      this.countFailure(ending.error);
      const { taken, processes } = director;
      this.keep({ error: ending.error, taken: [...taken], processes }, false);
    }
    return this.report(director, 'one schedule', false);
  }

  private count(ending: Ending, steps: number): void {
    this.executions++;
    this.steps += steps;
    if (ending.kind !== 'done' || ending.outcome === undefined) return;
    const outcome = String(ending.outcome);
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  private countFailure(error: unknown): void {
    this.failures++;
    const kind = failureKind(error);
    this.failureKinds.set(kind, (this.failureKinds.get(kind) ?? 0) + 1);
  }

  /** The first failure is run again, this time with its steps recorded. */
  private failed(error: unknown, plan: Plan): void {
    this.countFailure(error);
    if (this.failure !== null) return;
    const director = new ReplayDirector(this.stepLimit, plan);
    const again = director.run(this.scenario);
    if (again.kind !== 'failed' || failureKind(again.error) !== failureKind(error)) {
      throw notTheSame(this.name, error);
    }
    const { taken, processes } = director;
    this.keep({ error, taken: [...taken], processes }, this.options.shrink);
  }

  private keep(found: FailingSchedule, shrink: boolean | number | undefined): void {
    const { saveTo } = this.options;
    const options = { ...this.options, ...(shrink === undefined ? {} : { shrink }) };
    this.failure = explained(this.scenario, this.name, this.stepLimit, found, options);
    if (saveTo !== undefined) save(this.failure, saveTo);
  }

  private report(search: Counted, coverage: string, complete: boolean): ExploreReport {
    const { name: scenario, executions, steps, outcomes, failures, failureKinds, failure } = this;
    const { tooLong, redundant = 0, states } = search;
    return {
      scenario,
      search: search.name,
      executions: executions - redundant,
      steps,
      ...(states === undefined ? {} : { states }),
      tooLong,
      redundant,
      outcomes,
      complete,
      coverage,
      failures,
      failureKinds,
      failure,
    };
  }
}

/** What a director counts. */
interface Counted {
  readonly name: string;
  readonly tooLong: number;
  readonly redundant?: number;
  readonly states?: number;
}

/** @throws Error if there is no such file, or no schedule in it */
function loaded(replay: SavedSchedule | string): SavedSchedule {
  if (typeof replay !== 'string') return checkedSchedule(replay);
  try {
    return parseSchedule(readFileSync(replay, 'utf8'));
  } catch (cause) {
    throw new Error(`explore: option "replay": "${replay}" cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** @throws Error if the file cannot be written; it says what failed, so that this is not lost */
function save({ schedule, message }: Failure, path: string): void {
  try {
    writeFileSync(path, `${JSON.stringify(schedule, null, 2)}\n`);
  } catch (cause) {
    const what = `explore: option "saveTo": cannot write "${path}": ${messageOf(cause)}`;
    throw new Error(`${what}\nA schedule fails: ${message}`, { cause });
  }
}
