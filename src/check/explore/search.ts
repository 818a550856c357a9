import type { Director } from './director.js';
import type { Plan } from './replay-director.js';

/** A way to go through the schedules of a scenario. */
export interface Search extends Director {
  /** Prepares the next execution. @returns false if there is none: all that the search covers has been seen */
  advance(): boolean;
  /** How the last execution can be run again. */
  plan(): Plan;
}
