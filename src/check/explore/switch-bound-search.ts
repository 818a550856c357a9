import type { ReadySet } from '../../engine/index.js';
import { DigestMap } from './digest-map.js';
import type { Digest } from './digest.js';
import type { StateMark } from './state-digests.js';
import { StateDirector, type Candidate, type StateFrame } from './state-director.js';

interface Frame extends StateFrame {
  /** Context switches that are left after this state, if the process that went last goes on. */
  readonly left: number;
  /** Who went last. */
  readonly running: number;
}

/**
 * Every state that a schedule with at most so many context switches can lead to, whether the process that went last could
 * have gone on or not. Finds out whether a failure can be had with that few.
 */
export class SwitchBoundSearch extends StateDirector<Frame> {
  readonly name = 'switch-bound';

  /** For each state and process that went last: the most switches that were left. */
  private readonly seen = new DigestMap();

  constructor(
    stepLimit: number,
    private readonly switches: number,
  ) {
    super(stepLimit);
  }

  advance(): boolean {
    for (let frame = this.frames.at(-1); frame !== undefined; frame = this.frames.at(-1)) {
      if (frame.next < frame.candidates.length) {
        this.goBack(frame);
        return true;
      }
      this.frames.pop();
    }
    return false;
  }

  protected frameFor(state: Digest, ready: ReadySet, mark: StateMark): Frame | null {
    const { running } = this;
    const left = this.switchesLeft();
    const key = { a: state.a ^ Math.imul(running, 0x9e3779b1), b: state.b };
    if (!this.seen.find(key)) this.seen.add(key, left);
    else if (this.seen.value >= left) return null;
    else this.seen.value = left;
    const candidates = this.candidates(ready, left);
    return candidates.length === 0 ? null : { candidates, next: 1, left, running, footprint: null, mark };
  }

  protected last(): void {
    // Nothing goes on from here.
  }

  private switchesLeft(): number {
    const before = this.frames.at(-1);
    // The first step is no switch.
    if (before === undefined) return this.switches + 1;
    return before.left - (before.running === this.running ? 0 : 1);
  }

  private candidates(ready: ReadySet, left: number): Candidate[] {
    const candidates: Candidate[] = [];
    for (let index = 0; index < ready.length; index++) {
      const process = this.processAt(ready, index);
      if (process === this.running) candidates.unshift({ process, index });
      else if (left > 0 && !candidates.some((other) => other.process === process)) candidates.push({ process, index });
    }
    return candidates;
  }
}
