import { STOP, type Access, type ReadySet, type SharedThing, type Simulation } from '../../engine/index.js';
import { DigestSet } from './digest-set.js';
import { FootprintBuilder } from './footprint.js';
import { ObservedDirector } from './observed-director.js';
import type { Plan } from './replay-director.js';
import type { Search } from './search.js';
import type { Stage } from './stage.js';
import { StateDigests, type StateMark, type StepEffect } from './state-digests.js';

/** A state on the way of the execution that goes on, and who goes on from it. */
interface Frame {
  /** Who can go on; those before `next` have or do. */
  readonly candidates: readonly number[];
  next: number;
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
 * Every state, depth first: an execution ends where it comes to a state that has been seen, as all that can follow has
 * been or will be. States are told apart by digests.
 *
 * States cannot be set up, so each execution runs again from the beginning.
 */
export class StateSearch extends ObservedDirector implements Search {
  readonly name = 'states';
  readonly covers = 'every state that a schedule can lead to';
  readonly redundant = 0;

  private readonly seen = new DigestSet();
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
    this.seen.add(this.digests.state(stage.simulation.now));
  }

  protected choose(ready: ReadySet): number {
    if (this.fresh && !this.settle()) return STOP;
    const step = this.taken.length;
    if (step === this.frames.length) {
      this.frames.push({ candidates: this.candidates(ready), next: 1, mark: this.digests.mark() });
    }
    const { candidates, next } = this.frames[step];
    const process = candidates[next - 1];
    const index = this.indexOf(ready, process);
    if (index < 0)
      throw new Error('the scenario does not do the same twice: a process that could go on cannot any more');
    this.take(process);
    this.fresh = step === this.frames.length - 1;
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
    if (this.fresh) this.settle();
  }

  advance(): boolean {
    for (let frame = this.frames.at(-1); frame !== undefined; frame = this.frames.at(-1)) {
      if (frame.next < frame.candidates.length) {
        frame.next++;
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

  /** Works out the state after the step that has ended. @returns false if it has been seen before */
  private settle(): boolean {
    this.fresh = false;
    const process = this.running;
    const { made, spawned, woken, place, wentOn, end } = this.effects;
    const isTimer = this.isTimer[process];
    const footprint = this.builder.take();
    const now = this.startedAt;
    this.digests.step({ process, isTimer, footprint, made, spawned, woken, place, wentOn, end, now }, this.things);
    return this.seen.add(this.digests.state(this.simulation?.now ?? 0));
  }

  /** Who can go on, each once; whoever went last first. */
  private candidates(ready: ReadySet): number[] {
    const candidates: number[] = [];
    for (let i = 0; i < ready.length; i++) {
      const process = this.processAt(ready, i);
      if (candidates.includes(process)) continue;
      if (process === this.running) candidates.unshift(process);
      else candidates.push(process);
    }
    return candidates;
  }
}
