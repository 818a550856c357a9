import type { ReadySet } from '../../../src/engine/index.js';
import { TracingDirector } from '../../../src/check/explore/tracing-director.js';

/**
 * Every schedule, found by nothing but trying the next candidate at each step: what a reduced search is held against. An
 * execution goes by its trace, so that two that differ in nothing count as one.
 */
export class EverySchedule extends TracingDirector {
  readonly name = 'every schedule';
  private readonly picks: { picked: number; candidates: number }[] = [];

  protected decide(ready: ReadySet, step: number): number {
    if (step === this.picks.length) this.picks.push({ picked: 0, candidates: ready.length });
    return this.picks[step].picked;
  }

  advance(): boolean {
    this.close();
    this.repeat(0);
    for (let last = this.picks.pop(); last !== undefined; last = this.picks.pop()) {
      if (last.picked + 1 < last.candidates) {
        this.picks.push({ picked: last.picked + 1, candidates: last.candidates });
        return true;
      }
    }
    return false;
  }
}
