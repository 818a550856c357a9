import { RandomStream, type ReadySet } from '../../engine/index.js';
import { plural } from './budget-watch.js';
import { IdentityDirector } from './observed-director.js';
import type { Plan } from './replay-director.js';
import type { Search } from './search.js';

/** Priorities of processes that have not been demoted are above those of all that have. */
const RANGE = 0x40000000;

/**
 * Schedules at random, by priorities: the ready process of the highest one goes, and at `depth` - 1 random steps the one
 * that would go falls behind all others (Burckhardt, Kothari, Musuvathi, Nagarakatte: A randomized scheduler with
 * probabilistic guarantees of finding bugs, ASPLOS 2010). A bug of which the cause is an order of `depth` steps is found
 * by one of n k^(depth - 1) executions or more, where n is the number of processes and k that of steps.
 */
export class PctSearch extends IdentityDirector implements Search {
  readonly name = 'pct';
  readonly exhaustive = false;
  readonly reduces = false;
  readonly redundant = 0;

  private readonly random: RandomStream;
  private readonly priorities: number[] = [];
  private changeAt: number[] = [];
  /** The most steps and processes that an execution had so far. */
  private mostSteps = 1;
  private mostProcesses = 1;

  constructor(
    stepLimit: number,
    seed: number,
    private readonly depth: number,
  ) {
    super(stepLimit);
    this.random = new RandomStream(seed).split('pct');
  }

  coverage(executions: number): string {
    const { mostProcesses, mostSteps, depth } = this;
    const found = 1 / (mostProcesses * mostSteps ** (depth - 1));
    const missed = (1 - found) ** executions;
    return (
      `${plural(executions, 'schedule')} by PCT: of ${plural(mostProcesses, 'process')} and ` +
      `${plural(mostSteps, 'step')}, a bug of depth ${String(depth)} is missed with a probability of at most ${missed.toPrecision(2)}`
    );
  }

  protected override begins(): void {
    this.priorities.length = 0;
    this.changeAt = Array.from({ length: this.depth - 1 }, () => this.random.below(this.mostSteps));
  }

  protected choose(ready: ReadySet): number {
    let place = this.highest(ready);
    // The later the change, the further behind.
    const change = this.changeAt.indexOf(this.taken.length);
    if (change >= 0) {
      this.priorities[this.processAt(ready, place)] = this.depth - change;
      place = this.highest(ready);
    }
    this.take(this.processAt(ready, place));
    return place;
  }

  advance(): boolean {
    this.mostSteps = Math.max(this.mostSteps, this.taken.length);
    this.mostProcesses = Math.max(this.mostProcesses, new Set(this.taken).size);
    return true;
  }

  plan(): Plan {
    return { kind: 'processes', processes: [...this.taken], table: this.processes };
  }

  private highest(ready: ReadySet): number {
    let best = 0;
    for (let place = 1; place < ready.length; place++) {
      if (this.priorityOf(this.processAt(ready, place)) > this.priorityOf(this.processAt(ready, best))) best = place;
    }
    return best;
  }

  private priorityOf(process: number): number {
    return (this.priorities[process] ??= this.depth + 1 + this.random.below(RANGE));
  }
}
