import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import {
  Irreproducible,
  SEARCHES,
  describeReport,
  driverScenarios,
  explore,
  parseSchedule,
  rootCause,
  type Budget,
  type DriverScenario,
  type ExploreOptions,
  type ExploreReport,
  type SavedSchedule,
  type Scenario,
} from '../check/index.js';
import { messageOf } from '../engine/index.js';
import { loadExplored, type Explored } from './load-drivers.js';
import type { Output } from './output.js';
import { parseChoice, parseInteger } from './parse-options.js';
import { UsageError } from './usage-error.js';

interface Typed {
  readonly search: string;
  readonly preemptions?: string;
  readonly depth?: string;
  readonly seed?: string;
  readonly executions?: string;
  readonly seconds?: string;
  readonly shrink: boolean;
  readonly save?: string;
  readonly replay?: string;
  readonly json?: true;
}

/** Schedules that are run at random to see whether the search was told of all that tasks share. */
const SPOT_CHECKS = 100;

/** What can be explored: a race of a driver, or a scenario of the user's. */
type Subject = Pick<DriverScenario, 'name' | 'scenario'> & Partial<Pick<DriverScenario, 'title' | 'explain'>>;

const TEXT = `
A driver is tried in races with the kernel, each of which has a name; without one, in all of them. A module may also export a
scenario as its default: a function that builds a small world on a stage (docs/exploration.md).

Searches: dpor        one schedule of each class that differs in nothing that anybody could notice
          states      one way to each state, for tasks that say where they are
          naive       every schedule
          context-bound, pct, random    some, where all are too many
A schedule that fails is made as short as can be and told in two columns. --save keeps it, --replay runs it again.

Examples:
  pinless explore odp                          every race of the ODP driver
  pinless explore ./my-driver.ts fault         one race
  pinless explore ./my-scenario.ts --search pct --executions 100000

Exit status: 0 no schedule failed; 1 one did, or none came to an end; 2 the driver or the options cannot be used.`;

/**
 * `pinless explore`.
 * @param finish told the exit status
 */
export function exploreCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('explore')
    .summary('run a driver, or a scenario, under every schedule')
    .argument('<module>', 'a built-in driver, the path of a JavaScript or TypeScript module, or a package')
    .argument('[race]', 'one race of a driver')
    .option('--search <name>', SEARCHES.join(', '), 'dpor')
    .option('--preemptions <n>', 'for context-bound (default: 2)')
    .option('--depth <n>', 'for pct (default: 3)')
    .option('--seed <n>', 'of what is done at random (default: 1)')
    .option('--executions <n>', 'stop a search after so many')
    .option('--seconds <n>', 'stop a search after so much wall time')
    .option('--no-shrink', 'leave a failing schedule as it was found')
    .option('--save <file>', 'write the first schedule that fails')
    .option('--replay <file>', 'run this schedule, which was saved, and no other')
    .option('--json', 'the reports for programs')
    .addHelpText('after', TEXT)
    .action(async (module: string, race: string | undefined, typed: Typed) => {
      finish(await exploreAll(output, module, race, typed));
    });
}

async function exploreAll(output: Output, module: string, race: string | undefined, typed: Typed): Promise<number> {
  const options = optionsOf(typed);
  const subjects = subjectsOf(module, await loadExplored('explore', module), race, options.replay);
  const reports: { readonly subject: Subject; readonly report: ExploreReport }[] = [];
  let saveTo = typed.save;
  for (const subject of subjects) {
    const saving = saveTo === undefined ? {} : { saveTo };
    const report = exploreOne(subject, { ...options, ...saving, name: subject.name });
    if (report.failure !== null) saveTo = undefined;
    reports.push({ subject, report });
    if (typed.json !== true) output.out(`${text(subject, report)}${againLine(module, subject, report, typed)}\n`);
  }
  if (typed.json === true) {
    output.out(
      `${JSON.stringify(
        reports.map(({ subject, report }) => json(subject, report)),
        null,
        2,
      )}\n`,
    );
  }
  return reports.some(({ report }) => report.failures > 0 || report.tooLong === report.executions) ? 1 : 0;
}

function exploreOne({ scenario, name }: Subject, options: ExploreOptions): ExploreReport {
  try {
    return explore(scenario, options);
  } catch (error) {
    const cause = rootCause(error);
    if (isFileError(cause, options.saveTo)) {
      throw new UsageError(`--save: cannot write "${String(options.saveTo)}": ${messageOf(cause)}`);
    }
    if (error instanceof Irreproducible) throw new UsageError(`explore: ${name}: ${error.message}`);
    throw error;
  }
}

function isFileError(error: unknown, path: string | undefined): boolean {
  return error instanceof Error && path !== undefined && (error as NodeJS.ErrnoException).path === path;
}

function subjectsOf(
  module: string,
  explored: Explored,
  race: string | undefined,
  replay: ExploreOptions['replay'],
): readonly Subject[] {
  const wanted = race ?? (replay as SavedSchedule | undefined)?.scenario;
  if (typeof explored === 'function') {
    if (race !== undefined) throw new UsageError(`explore: "${module}" is a scenario, and has no race "${race}"`);
    const scenario = explored as Scenario;
    return [{ name: scenario.name === '' ? 'scenario' : scenario.name, scenario }];
  }
  const races = driverScenarios(explored);
  return wanted === undefined ? races : [parseChoice('explore: [race]', wanted, races)];
}

function optionsOf(typed: Typed): ExploreOptions {
  const { search } = typed;
  const known = SEARCHES.find((name) => name === search);
  if (known === undefined) throw new UsageError(`--search takes one of ${SEARCHES.join(', ')}, not "${search}"`);
  return {
    search: known,
    spotChecks: SPOT_CHECKS,
    ...numbersOf(typed),
    ...budgetOf(typed),
    ...(typed.shrink ? {} : { shrink: false }),
    ...(typed.replay === undefined ? {} : { replay: savedSchedule(typed.replay) }),
  };
}

function numbersOf({ preemptions, depth, seed }: Typed): Pick<ExploreOptions, 'preemptions' | 'depth' | 'seed'> {
  return {
    ...(preemptions === undefined ? {} : { preemptions: parseInteger('--preemptions', preemptions, 0, 1000) }),
    ...(depth === undefined ? {} : { depth: parseInteger('--depth', depth, 1, 1000) }),
    ...(seed === undefined ? {} : { seed: parseInteger('--seed', seed, 0, 2 ** 32 - 1) }),
  };
}

function budgetOf({ executions, seconds }: Typed): { readonly budget?: Budget } {
  if (executions === undefined && seconds === undefined) return {};
  return {
    budget: {
      ...(executions === undefined ? {} : { executions: parseInteger('--executions', executions, 1, 1e12) }),
      ...(seconds === undefined ? {} : { time: wallTime(parseInteger('--seconds', seconds, 1, 1_000_000)) }),
    },
  };
}

/** How long the user has: it decides where a search ends, and nothing of what it finds on the way. */
function wallTime(seconds: number): NonNullable<Budget['time']> {
  // eslint-disable-next-line no-restricted-properties
  return { limit: seconds, unit: 's', clock: () => performance.now() / 1000 };
}

function savedSchedule(path: string): SavedSchedule {
  try {
    return parseSchedule(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`--replay: "${path}" cannot be used: ${messageOf(error)}`);
  }
}

function text({ title }: Subject, report: ExploreReport): string {
  return title === undefined ? describeReport(report) : `${title}\n${describeReport(report)}\n`;
}

/** How to see a failure again: a search is the same each time, and a schedule that was kept needs none. */
function againLine(module: string, { title, name }: Subject, { failure }: ExploreReport, typed: Typed): string {
  if (failure === null || typed.replay !== undefined) return '';
  const race = title === undefined ? '' : ` ${name}`;
  const how = typed.save === undefined ? '' : ` --replay ${typed.save}`;
  return `\n  again: pinless explore ${module}${race}${how}\n`;
}

function json({ explain }: Subject, report: ExploreReport): unknown {
  const { outcomes, failureKinds, failure, ...rest } = report;
  return {
    ...rest,
    outcomes: Object.fromEntries(outcomes),
    failureKinds: Object.fromEntries(failureKinds),
    failure: failure === null ? null : { ...failure, error: undefined, rule: explain?.(failure.error)?.rule ?? null },
  };
}
