import { RandomStream, type ReadySet } from '../../engine/index.js';
import { plural } from './budget-watch.js';
import { Director } from './director.js';
import type { Plan } from './replay-director.js';
import type { Search } from './search.js';

/** Schedules at random: each of the ready is as likely as any other to go next. */
export class RandomSearch extends Director implements Search {
  readonly name = 'random';
  readonly exhaustive = false;
  readonly reduces = false;
  readonly redundant = 0;

  private readonly random: RandomStream;
  /** Which of the ready went at each point where there was more than one. */
  private readonly picks: number[] = [];

  constructor(stepLimit: number, seed: number) {
    super(stepLimit);
    this.random = new RandomStream(seed).split('schedule');
  }

  coverage(executions: number): string {
    return `${plural(executions, 'schedule')} at random`;
  }

  protected override begins(): void {
    this.picks.length = 0;
  }

  protected choose(ready: ReadySet): number {
    if (ready.length === 1) return 0;
    const pick = this.random.below(ready.length);
    this.picks.push(pick);
    return pick;
  }

  advance(): boolean {
    return true;
  }

  plan(): Plan {
    return { kind: 'picks', picks: [...this.picks] };
  }
}
