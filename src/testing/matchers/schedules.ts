import { describeReport, explore, type ExploreOptions, type ExploreReport, type Scenario } from '../../check/index.js';
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
  const report = asked.during(() => explore(received as Scenario, rest));
  const said = hint(
    this,
    report.scenario,
    'toHoldInEverySchedule',
    rest.search === undefined ? '' : `'${rest.search}'`,
  );
  const text = describeReport(report);
  if (report.failure !== null) {
    return { pass: false, message: message(said, text, howToReplay(report, rest)) };
  }
  const why = whyUnproved(report, rest);
  if (why !== null && (!boundedIsEnough || rest.replay !== undefined)) {
    // Neither does it hold nor does it fail: that is no answer to `.not` either.
    throw new TraceError([said, `${why}\n${text}`].join('\n\n'));
  }
  if (report.steps === 0) throw new TraceError([said, `The scenario has no task: nothing was explored.`].join('\n\n'));
  if (asked.never.length > 0 && rest.replay === undefined) {
    const why = 'In no schedule was there anything to ask: these would hold anyway.';
    throw new TraceError([said, why, ...asked.never].join('\n\n'));
  }
  return { pass: true, message: message(said, `No schedule fails that was looked at.\n${text}`) };
}

/** Why nothing has been proved by a search that found nothing; null if it has. */
function whyUnproved(report: ExploreReport, { replay }: ExploreOptions): string | null {
  if (replay !== undefined) {
    return 'Only the schedule of the option `replay` was run, and it fails no more: without the option, every schedule is.';
  }
  if (report.complete && !BOUNDED.includes(report.search)) return null;
  return (
    'No schedule fails that was looked at, but not every one was. Search longer or `dpor`, make the scenario smaller, or ' +
    'say { boundedIsEnough: true }.'
  );
}

function howToReplay({ failure }: ExploreReport, { saveTo, replay }: ExploreOptions): string {
  if (failure === null || replay !== undefined) return '';
  const schedule = saveTo === undefined ? JSON.stringify(failure.schedule) : `'${saveTo}'`;
  return `This schedule alone, again: toHoldInEverySchedule({ replay: ${schedule} })`;
}
