/** The tasks and timers that could go next at this instant, oldest first. */
export interface ReadySet {
  readonly length: number;
  /** Identity of candidate `index`: stable for as long as that task lives. */
  id(index: number): number;
  /** Name of candidate `index`, for narratives. */
  name(index: number): string;
}

/**
 * The one place where a run is nondeterministic: which ready task goes next.
 *
 * A policy sees every choice of a run in order and nothing else decides anything, so a list of picks replays a run, and
 * the set of all lists is the set of all schedules. A policy must itself be deterministic.
 */
export interface SchedulePolicy {
  readonly name: string;
  /** True if `pick` would always answer 0: the simulation then takes the oldest without asking. */
  readonly fifo: boolean;
  /** True if a task gives way even where it need not wait (a free lock, an open gate): for exploration. */
  readonly preemptive: boolean;
  /** The picks so far, by a policy that writes them down: with them the run can be replayed. */
  readonly picks?: readonly number[];
  /** True if `pick` is to be called for each step, also where only one can go. */
  readonly everyStep?: boolean;
  /**
   * Answers the index in `ready` of the task to run next, or STOP to end the run there. Called only where there are at
   * least two, unless the policy wants every step.
   */
  pick(ready: ReadySet): number;
}

/** Answer of a policy that wants no more steps. */
export const STOP = -1;

/** First in, first out in (time, sequence) order: the schedule of a timed run. */
export class FifoPolicy implements SchedulePolicy {
  readonly name = 'fifo';
  readonly fifo = true;
  readonly preemptive = false;

  pick(): number {
    return 0;
  }
}
