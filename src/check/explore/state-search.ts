import { STOP, type Access, type ReadySet, type SharedThing, type Simulation } from '../../engine/index.js';
import { DigestMap } from './digest-map.js';
import { FootprintBuilder, type Footprint } from './footprint.js';
import { ObservedDirector } from './observed-director.js';
import type { Plan } from './replay-director.js';
import type { Search } from './search.js';
import type { Stage } from './stage.js';
import { StateDigests, type StateMark, type StepEffect } from './state-digests.js';
import type { Pending } from './wakeup-tree.js';

/** Processes that can be told in a set of bits. Others never sleep. */
const BITS = 31;

/** Who may go on from a state: a process, and its place among the ready. */
interface Candidate {
  readonly process: number;
  readonly index: number;
}

/** A state on the way of the execution that goes on, and who goes on from it. */
interface Frame {
  /** Those before `next` have gone on from here, or do. */
  readonly candidates: readonly Candidate[];
  next: number;
  /** Processes that need not go on from here: what would follow has been seen or will be. */
  readonly sleep: Pending[];
  /** What the one that goes on does; null if it is not known. */
  footprint: Footprint | null;
  readonly mark: StateMark;
}

/** What the step that goes on has done so far. */
class Effects {
  readonly made: number[] = [];
  readonly spawned: number[] = [];
  readonly woken: number[] = [];
  place: readonly number[] | null = null;
  wentOn = false;
  end: StepEffect['end'] = null;

  clear(): void {
    this.made.length = 0;
    this.spawned.length = 0;
    this.woken.length = 0;
    this.place = null;
    this.wentOn = false;
    this.end = null;
  }
}

/**
 * Every state, depth first: an execution ends where it comes to a state from which all that can follow has been seen or
 * will be. States are told apart by digests; sleep sets keep away steps that would only lead to known ones.
 *
 * States cannot be set up, so each execution runs again from the beginning.
 */
export class StateSearch extends ObservedDirector implements Search {
  readonly name = 'states';
  readonly covers = 'every state that a schedule can lead to';
  readonly redundant = 0;

  /** For each state, who slept whenever it was come to. */
  private readonly seen = new DigestMap();
  private readonly digests = new StateDigests((task) => this.processOf(task));
  private readonly frames: Frame[] = [];
  private readonly isTimer: boolean[] = [];
  private readonly builder = new FootprintBuilder();
  private readonly effects = new Effects();
  private simulation: Simulation | null = null;
  /** True while a step goes on of which it is not known what it does; and its time. */
  private fresh = false;
  private startedAt = 0;

  /** Number of different states so far. */
  get states(): number {
    return this.seen.size;
  }

  protected override begins(stage: Stage): void {
    this.simulation = stage.simulation;
    this.fresh = false;
    this.builder.take();
    if (this.frames.length > 0) return;
    this.things.forEach((thing, shared) => {
      this.digests.begin(shared, thing);
    });
  }

  protected choose(ready: ReadySet): number {
    if (this.fresh) this.settle();
    const step = this.taken.length;
    if (step === this.frames.length && !this.extend(ready)) return STOP;
    const { candidates, next } = this.frames[step];
    const { process, index } = candidates[next - 1];
    if (index >= ready.length || this.processAt(ready, index) !== process) {
      throw new Error('the scenario does not do the same twice: a process that could go on cannot any more');
    }
    this.take(process);
    if (step < this.frames.length - 1) return index;
    this.fresh = true;
    this.startedAt = this.simulation?.now ?? 0;
    this.effects.clear();
    return index;
  }

  override made(thing: SharedThing): number {
    const shared = super.made(thing);
    if (this.fresh) this.effects.made.push(shared);
    return shared;
  }

  override spawned(id: number, name: string): void {
    super.spawned(id, name);
    const process = this.processOf(id);
    this.isTimer[process] = id < 0;
    if (this.fresh) this.effects.spawned.push(process);
  }

  touched(shared: number, access: Access): void {
    if (!this.fresh) return;
    this.builder.add(shared, access);
    this.effects.wentOn = true;
  }

  placed(place: number, a: number, b: number, c: number): void {
    if (!this.fresh) return;
    this.effects.place = [place, a, b, c];
    this.effects.wentOn = false;
  }

  enabled(id: number): void {
    if (this.fresh && id >= 0) this.effects.woken.push(this.processOf(id));
  }

  parked(_task: number, shared: number): void {
    if (this.fresh) this.effects.end = { parkedOn: shared };
  }

  ended(_id: number, result: unknown): void {
    if (this.fresh) this.effects.end = { result };
  }

  timeMoves(): void {
    // The state is looked at when the next step is due, and tells the time.
  }

  protected override ends(): void {
    if (!this.fresh) return;
    this.settle();
    this.arrive(0, 0);
  }

  advance(): boolean {
    for (let frame = this.frames.at(-1); frame !== undefined; frame = this.frames.at(-1)) {
      if (frame.next < frame.candidates.length) {
        const { process } = frame.candidates[frame.next - 1];
        if (frame.footprint !== null && process < BITS) frame.sleep.push({ process, footprint: frame.footprint });
        frame.next++;
        frame.footprint = null;
        this.digests.rewind(frame.mark);
        return true;
      }
      this.frames.pop();
    }
    return false;
  }

  plan(): Plan {
    return { kind: 'processes', processes: [...this.taken], table: this.processes };
  }

  /** Works out what the step that has ended has changed. */
  private settle(): void {
    this.fresh = false;
    const process = this.running;
    const { made, spawned, woken, place, wentOn, end } = this.effects;
    const isTimer = this.isTimer[process];
    const footprint = this.builder.take();
    const now = this.startedAt;
    this.digests.step({ process, isTimer, footprint, made, spawned, woken, place, wentOn, end, now }, this.things);
    this.frames[this.frames.length - 1].footprint = footprint;
  }

  /** A frame for the state that has been reached. @returns false if nobody need go on from it */
  private extend(ready: ReadySet): boolean {
    const before = this.frames.at(-1);
    const sleep: Pending[] = [];
    let asleep = 0;
    for (const pending of before?.sleep ?? []) {
      if (before?.footprint?.conflictsWith(pending.footprint) !== false) continue;
      sleep.push(pending);
      asleep |= 1 << pending.process;
    }
    const wanted = this.arrive(asleep, this.turns(ready));
    const candidates = wanted === 0 ? [] : this.candidates(ready, wanted);
    if (candidates.length === 0) return false;
    this.frames.push({ candidates, next: 1, sleep, footprint: null, mark: this.digests.mark() });
    return true;
  }

  /**
   * Notes that this state has been reached.
   * @param asleep the processes that sleep, as bits
   * @param turns see `turns`
   * @returns those that are to go on from here; the bit that no process has stands for all others
   */
  private arrive(asleep: number, turns: number): number {
    const digest = this.digests.state(this.simulation?.now ?? 0, turns);
    if (!this.seen.find(digest)) {
      this.seen.add(digest, asleep);
      return ~asleep;
    }
    const slept = this.seen.value;
    this.seen.value = slept & asleep;
    return slept & ~asleep;
  }

  /** Which timers have a turn, as a number: one that was disarmed keeps it, and that is all that tells the states apart. */
  private turns(ready: ReadySet): number {
    let turns = 0;
    for (let index = 0; index < ready.length; index++) {
      const id = ready.id(index);
      if (id < 0) turns += Math.imul(this.processOf(id) + 1, 0x9e3779b1);
    }
    return turns | 0;
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
