import type { ReadySet } from '../../engine/index.js';
import { Director } from './director.js';
import type { Plan } from './replay-director.js';
import type { Search } from './search.js';

/**
 * Every schedule, one after the other, depth first: no two executions choose alike. The reference for all others, and
 * hopeless beyond a dozen steps.
 */
export class NaiveSearch extends Director implements Search {
  readonly name = 'naive';
  readonly exhaustive = true;
  readonly reduces = false;
  readonly redundant = 0;

  /** The choices of the execution that goes on: how many could go, and which went. Only those with a choice count. */
  private candidates = new Int32Array(64);
  private picked = new Int32Array(64);
  private depth = 0;
  /** Choices that repeat those of the execution before. */
  private prefix = 0;

  coverage(): string {
    return 'every schedule';
  }

  advance(): boolean {
    let last = this.depth - 1;
    while (last >= 0 && this.picked[last] + 1 >= this.candidates[last]) last--;
    if (last < 0) return false;
    this.picked[last]++;
    this.prefix = last + 1;
    return true;
  }

  protected override begins(): void {
    this.depth = 0;
  }

  protected choose(ready: ReadySet): number {
    if (ready.length === 1) return 0;
    const at = this.depth++;
    if (at < this.prefix) return this.picked[at];
    if (at === this.picked.length) this.grow();
    this.candidates[at] = ready.length;
    this.picked[at] = 0;
    return 0;
  }

  plan(): Plan {
    return { kind: 'picks', picks: [...this.picked.subarray(0, this.depth)] };
  }

  private grow(): void {
    const length = this.picked.length * 2;
    const candidates = new Int32Array(length);
    const picked = new Int32Array(length);
    candidates.set(this.candidates);
    picked.set(this.picked);
    this.candidates = candidates;
    this.picked = picked;
  }
}
