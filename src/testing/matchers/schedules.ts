import {
  describeReport,
  explore,
  rootCause,
  type ExploreOptions,
  type ExploreReport,
  type Scenario,
} from '../../check/index.js';
import { TraceError } from '../trace-error.js';
import { AskedOverSchedules } from './nothing-to-ask.js';
import { hint, message, wrong, type MatcherState, type Verdict } from './verdict.js';

/** What `toHoldInEverySchedule` takes: how schedules are searched, see ExploreOptions. */
export interface ScheduleOptions extends ExploreOptions {
  /**
   * True is content with a search that did not see every schedule: samples (`pct`, `random`), bounded preemptions, a budget.
   * Default false: that fails, as nothing has been proved.
   */
  readonly boundedIsEnough?: boolean;
}

/** Schedules that are run at random to see whether the search was told of all that tasks share. */
const SPOT_CHECKS = 100;

const ENDLESS =
  'A task that looks again and again goes on for ever while nobody else goes: have it wait for a Condition, say where it is ' +
  "(stage.known) and search 'states', or raise `stepLimit`.";

/** Searches that do not cover every schedule when they come to their end. */
const BOUNDED: readonly string[] = ['context-bound', 'pct', 'random'];

/**
 * `expect(scenario).toHoldInEverySchedule()`: explores it, and fails with the shortest schedule that breaks it, or if there
 * are schedules that were not covered.
 */
export function toHoldInEverySchedule(this: MatcherState, received: unknown, options: ScheduleOptions = {}): Verdict {
  if (typeof received !== 'function') {
    throw wrong('toHoldInEverySchedule', 'is asked of a scenario: (stage) => { … }', received);
  }
  const { boundedIsEnough = false, ...rest } = options;
  const asked = new AskedOverSchedules();
  const report = asked.during(() => explore(received as Scenario, { spotChecks: SPOT_CHECKS, ...rest }));
  const said = hint(
    this,
    report.scenario,
    'toHoldInEverySchedule',
    rest.search === undefined ? '' : `'${rest.search}'`,
  );
  const text = describeReport(report);
  const { failure } = report;
  if (failure !== null) {
    // What cannot be asked is no answer: `.not` would hold because of a mistake of the test.
    const cause = rootCause(failure.error);
    if (this.isNot === true && (cause instanceof TraceError || failure.steps === 0)) {
      const why = 'That is no order that a schedule breaks: the question cannot be asked.';
      throw new TraceError([said, why, text].join('\n\n'));
    }
    return { pass: false, message: message(said, text, howToReplay(report, rest)) };
  }
  const why = whyUnproved(report, rest, boundedIsEnough);
  // Neither does it hold nor does it fail: that is no answer to `.not` either.
  if (why !== null) throw new TraceError([said, `${why}\n${text}`].join('\n\n'));
  if (report.steps === 0) throw new TraceError([said, `The scenario has no task: nothing was explored.`].join('\n\n'));
  if (asked.never.length > 0) {
    const why = 'In no schedule was there anything to ask: these would hold anyway.';
    throw new TraceError([said, why, ...asked.never].join('\n\n'));
  }
  return { pass: true, message: message(said, `No schedule fails that was looked at.\n${text}`) };
}

/** Why nothing has been proved by a search that found nothing; null if it has, or if it need not be. */
function whyUnproved(report: ExploreReport, { replay }: ExploreOptions, boundedIsEnough: boolean): string | null {
  if (replay !== undefined) {
    return 'Only the schedule of the option `replay` was run, and it fails no more: without the option, every schedule is.';
  }
  const { complete, search, executions, tooLong } = report;
  if (tooLong === executions) return `No schedule came to its end. ${ENDLESS}`;
  if (boundedIsEnough || (complete && !BOUNDED.includes(search))) return null;
  const what = 'No schedule fails that was looked at, but not every one was.';
  if (tooLong > 0) return `${what} ${ENDLESS}`;
  return `${what} Search longer or \`dpor\`, make the scenario smaller, or say { boundedIsEnough: true }.`;
}

function howToReplay({ failure }: ExploreReport, { saveTo, replay }: ExploreOptions): string {
  if (failure === null || failure.steps === 0 || replay !== undefined) return '';
  const schedule = saveTo === undefined ? JSON.stringify(failure.schedule) : `'${saveTo}'`;
  return `This schedule alone, again: toHoldInEverySchedule({ replay: ${schedule} })`;
}
