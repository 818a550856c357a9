import type { ReadySet } from '../../engine/index.js';
import { DigestMap } from './digest-map.js';
import type { Digest } from './digest.js';
import type { Search } from './search.js';
import type { StateMark } from './state-digests.js';
import { StateDirector, type Candidate, type StateFrame } from './state-director.js';
import type { Pending } from './wakeup-tree.js';

/** Processes that can be told in a set of bits. Others never sleep. */
const BITS = 31;

interface Frame extends StateFrame {
  /** Processes that need not go on from here: what would follow has been seen or will be. */
  readonly sleep: Pending[];
}

/**
 * Every state, depth first: an execution ends where it comes to a state from which all that can follow has been seen or
 * will be. Sleep sets keep away steps that would only lead to known states (Godefroid: Partial-order methods for the
 * verification of concurrent systems, 1996, chapter 5).
 */
export class StateSearch extends StateDirector<Frame> implements Search {
  readonly name = 'states';
  readonly exhaustive = true;
  readonly reduces = true;
  readonly redundant = 0;

  /** For each state, who slept whenever it was come to. */
  private readonly seen = new DigestMap();

  /** Number of different states so far. */
  get states(): number {
    return this.seen.size;
  }

  coverage(): string {
    return 'every state that a schedule can lead to';
  }

  advance(): boolean {
    for (let frame = this.frames.at(-1); frame !== undefined; frame = this.frames.at(-1)) {
      if (frame.next < frame.candidates.length) {
        const { process } = frame.candidates[frame.next - 1];
        if (frame.footprint !== null && process < BITS) frame.sleep.push({ process, footprint: frame.footprint });
        this.goBack(frame);
        return true;
      }
      this.frames.pop();
    }
    return false;
  }

  protected frameFor(state: Digest, ready: ReadySet, mark: StateMark): Frame | null {
    const before = this.frames.at(-1);
    const sleep: Pending[] = [];
    let asleep = 0;
    for (const pending of before?.sleep ?? []) {
      if (before?.footprint?.conflictsWith(pending.footprint) !== false) continue;
      sleep.push(pending);
      asleep |= 1 << pending.process;
    }
    const wanted = this.arrive(state, asleep);
    const candidates = wanted === 0 ? [] : this.candidates(ready, wanted);
    return candidates.length === 0 ? null : { candidates, next: 1, sleep, footprint: null, mark };
  }

  protected last(state: Digest): void {
    this.arrive(state, 0);
  }

  /**
   * Notes that this state has been reached.
   * @param asleep the processes that sleep, as bits
   * @returns those that are to go on from here; the bit that no process has stands for all others
   */
  private arrive(state: Digest, asleep: number): number {
    if (!this.seen.find(state)) {
      this.seen.add(state, asleep);
      return ~asleep;
    }
    const slept = this.seen.value;
    this.seen.value = slept & asleep;
    return slept & ~asleep;
  }

  /** Those of the ready that are wanted, each once; whoever went last first. */
  private candidates(ready: ReadySet, wanted: number): Candidate[] {
    const candidates: Candidate[] = [];
    for (let index = 0; index < ready.length; index++) {
      const process = this.processAt(ready, index);
      if ((wanted & (1 << Math.min(process, BITS))) === 0) continue;
      if (candidates.some((candidate) => candidate.process === process)) continue;
      if (process === this.running) candidates.unshift({ process, index });
      else candidates.push({ process, index });
    }
    return candidates;
  }
}
