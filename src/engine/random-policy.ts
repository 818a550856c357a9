import type { RandomStream } from './random-stream.js';
import type { ReadySet, SchedulePolicy } from './schedule-policy.js';

/** Picks uniformly among the ready tasks; the seed of the stream replays the run. */
export class RandomPolicy implements SchedulePolicy {
  readonly name = 'random';
  readonly fifo = false;

  constructor(
    private readonly random: RandomStream,
    readonly preemptive = true,
  ) {}

  pick(ready: ReadySet): number {
    return this.random.below(ready.length);
  }
}
