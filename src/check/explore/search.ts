import type { Director, Ending } from './director.js';
import type { Plan } from './replay-director.js';

/** A way to go through the schedules of a scenario. */
export interface Search extends Director {
  /** What has been covered once it is through, in words. */
  readonly covers: string;
  /** Executions that were cut because what they might still have shown had been seen. */
  readonly redundant: number;
  /** Different states that have been seen, if the search counts them. */
  readonly states?: number;
  /** Prepares the execution after the last, which ended so. @returns false if there is none: all that the search covers has been seen */
  advance(last: Ending): boolean;
  /** How the last execution can be run again. */
  plan(): Plan;
}
