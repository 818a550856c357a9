import { SimulationError } from './errors.js';
import type { ReadySet, SchedulePolicy } from './schedule-policy.js';

/** One choice of a run: how many could go, and which did. */
export interface Choice {
  readonly candidates: number;
  readonly picked: number;
}

/**
 * Follows a list of picks, then the oldest-first rule, and writes down every choice it made.
 *
 * Replaying a schedule is following its `choices`; exploring all schedules is following a prefix, changing its last
 * pick to the next candidate, and running again.
 */
export class ReplayPolicy implements SchedulePolicy {
  readonly name = 'replay';
  readonly fifo = false;
  /** The choices made so far. */
  readonly choices: Choice[] = [];

  constructor(
    private readonly plan: readonly number[],
    readonly preemptive = true,
  ) {}

  get picks(): readonly number[] {
    return this.choices.map(({ picked }) => picked);
  }

  pick(ready: ReadySet): number {
    const step = this.choices.length;
    const picked = step < this.plan.length ? this.plan[step] : 0;
    if (picked >= ready.length) {
      throw new SimulationError(
        `the schedule does not fit this run: choice ${String(step)} picks number ${String(picked)} of ${String(ready.length)} ready tasks`,
      );
    }
    this.choices.push({ candidates: ready.length, picked });
    return picked;
  }
}
