import type { SavedSchedule } from './schedule.js';

/** Which schedules are run, and in which order. */
export type SearchName =
  /** one schedule of each class of schedules that differ in nothing that anybody could notice */
  | 'dpor'
  /** one way to each state: for scenarios of which the tasks say where they are (Stage.known) */
  | 'states'
  /** every schedule */
  | 'naive'
  /** every schedule with at most `preemptions` preemptions */
  | 'context-bound'
  /** schedules at random by priorities, which find bugs of `depth` steps with a known probability */
  | 'pct'
  /** schedules at random */
  | 'random';

/** How a scenario is explored, and when that ends. */
export interface ExploreOptions {
  /** For messages and saved schedules; default the function's name. */
  readonly name?: string;
  /** Default `dpor`. */
  readonly search?: SearchName;
  /** For `context-bound`; default 2. */
  readonly preemptions?: number;
  /** For `pct`; default 3. */
  readonly depth?: number;
  /** Of what is done at random; default 1. */
  readonly seed?: number;
  /** Where to stop although there is more; default: nowhere, and 10,000 executions where samples are taken. */
  readonly budget?: Budget;
  /** False goes on after a schedule that fails; default true. */
  readonly stopAtFirst?: boolean;
  /** Steps after which an execution is given up as endless; default 10,000. */
  readonly stepLimit?: number;
  /** Executions that may be spent on a shorter schedule that fails alike; default 10,000. False keeps it as it was found. */
  readonly shrink?: boolean | number;
  /**
   * Schedules that are run at random once `dpor` or `states` has covered everything and nothing has failed: whether the search
   * has been told of all that tasks share. One that fails then is the failure; one that leads elsewhere than any other, too, means that
   * the report is not complete. Default 0; 100 for `toHoldInEverySchedule` and `pinless explore`.
   */
  readonly spotChecks?: number;
  /**
   * Says of a process, by its name, whether it belongs in the left column of the narrative; default: the one that fails, and
   * what comes from it.
   */
  readonly isLeft?: (name: string) => boolean;
  /** Runs this schedule and no other: one that was saved, as an object or as the path of its file. */
  readonly replay?: SavedSchedule | string;
  /** Path of a file to which the first failing schedule is written as JSON. */
  readonly saveTo?: string;
}

/** Where a search stops. Whatever is reached first counts. */
export interface Budget {
  readonly executions?: number;
  /** Different states, where they are counted. */
  readonly states?: number;
  readonly steps?: number;
  /** Wall time, by the clock that the caller hands over: a run must not depend on a clock of its own. */
  readonly time?: { readonly limit: number; readonly clock: () => number; readonly unit?: string };
}
