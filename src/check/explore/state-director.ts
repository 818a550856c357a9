import { STOP, type Access, type ReadySet, type SharedThing, type Simulation } from '../../engine/index.js';
import type { Digest } from './digest.js';
import { FootprintBuilder, type Footprint } from './footprint.js';
import { ObservedDirector } from './observed-director.js';
import type { Plan } from './replay-director.js';
import { ScheduleMismatch } from './schedule-mismatch.js';
import type { Stage } from './stage.js';
import { StateDigests, type StateMark, type StepEffect } from './state-digests.js';

/** Who may go on from a state: a process, and its place among the ready. */
export interface Candidate {
  readonly process: number;
  readonly index: number;
}

/** A state on the way of the execution that goes on, and who goes on from it. */
export interface StateFrame {
  /** Those before `next` have gone on from here, or do. */
  readonly candidates: readonly Candidate[];
  next: number;
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
 * A director that tells states apart, by digests, and goes on from each of them depth first. States cannot be set up, so
 * each execution runs again from the beginning.
 */
export abstract class StateDirector<F extends StateFrame> extends ObservedDirector {
  protected readonly frames: F[] = [];

  private readonly digests = new StateDigests((task) => this.processOf(task));
  private readonly isTimer: boolean[] = [];
  private readonly builder = new FootprintBuilder();
  private readonly effects = new Effects();
  private simulation: Simulation | null = null;
  /** True while a step goes on of which it is not known what it does; and its time. */
  private fresh = false;
  private startedAt = 0;

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
    if (step === this.frames.length && !this.push(ready)) return STOP;
    const { candidates, next } = this.frames[step];
    const { process, index } = candidates[next - 1];
    if (index >= ready.length || this.processAt(ready, index) !== process) {
      throw new ScheduleMismatch(step + 1, this.processes.names[process], ready);
    }
    if (step === this.frames.length - 1) {
      this.fresh = true;
      this.startedAt = this.simulation?.now ?? 0;
      this.effects.clear();
    }
    this.take(process);
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
    this.last(this.state(0));
  }

  plan(): Plan {
    return { kind: 'processes', processes: [...this.taken], table: this.processes };
  }

  /** A frame for a state that has been reached; null if nobody need go on from it. */
  protected abstract frameFor(state: Digest, ready: ReadySet, mark: StateMark): F | null;

  /** The execution ends in this state. */
  protected abstract last(state: Digest): void;

  /** The next execution begins as this one, and goes on with the next candidate of the last frame. */
  protected goBack(frame: F): void {
    frame.next++;
    frame.footprint = null;
    this.digests.rewind(frame.mark);
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

  private push(ready: ReadySet): boolean {
    const frame = this.frameFor(this.state(this.turns(ready)), ready, this.digests.mark());
    if (frame === null) return false;
    this.frames.push(frame);
    return true;
  }

  private state(turns: number): Digest {
    return this.digests.state(this.simulation?.now ?? 0, turns);
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
}
