import type { Director, Ending } from './director.js';
import type { Plan } from './replay-director.js';

/** A way to go through the schedules of a scenario. */
export interface Search extends Director {
  /** True if it comes to an end and has then covered all that it is about; false if it takes samples. */
  readonly exhaustive: boolean;
  /** True if it leaves out schedules that are, as far as it has been told what steps do, like others that it runs. */
  readonly reduces: boolean;
  /** What has been covered by so many executions, in words; where it is exhaustive, once it is through. */
  coverage(executions: number): string;
  /** Executions that were cut because what they might still have shown had been seen. */
  readonly redundant: number;
  /** Different states that have been seen, if the search counts them. */
  readonly states?: number;
  /** Prepares the execution after the last, which ended so. @returns false if there is none: all that the search covers has been seen */
  advance(last: Ending): boolean;
  /** How the last execution can be run again. */
  plan(): Plan;
}
