import type { Access, ReadySet, SharedState, SharedThing, StepObserver } from '../../engine/index.js';
import { Director } from './director.js';
import { BUILDER, ProcessTable } from './processes.js';
import type { Stage } from './stage.js';

/** A director that knows its processes by numbers that are the same in every schedule. */
export abstract class ObservedDirector extends Director implements StepObserver {
  override readonly observer: StepObserver = this;
  /** Who took the steps of this execution, in order. */
  readonly taken: number[] = [];

  /** Who takes the step that goes on. */
  protected running = BUILDER;

  /** What processes share in this execution, by their numbers. */
  protected readonly things: SharedThing[] = [];

  private readonly ofTask: number[] = [];
  private readonly ofTimer: number[] = [];
  /** What each process has spawned and made in this execution. */
  private readonly spawnedBy: number[] = [0];
  private readonly madeBy: number[] = [0];
  /** The state that each process belongs to with all that it does. */
  private readonly parts: (SharedState | null)[] = [null];
  private stage: Stage | null = null;

  constructor(
    stepLimit: number,
    readonly processes = new ProcessTable(),
  ) {
    super(stepLimit);
  }

  protected override opens(stage: Stage): void {
    this.stage = stage;
    this.running = BUILDER;
    this.taken.length = 0;
    for (let process = 0; process < this.spawnedBy.length; process++) {
      this.spawnedBy[process] = 0;
      this.madeBy[process] = 0;
    }
  }

  /** The process behind a candidate. */
  protected processAt(ready: ReadySet, index: number): number {
    return this.processOf(ready.id(index));
  }

  protected processOf(id: number): number {
    return id >= 0 ? this.ofTask[id] : this.ofTimer[~id];
  }

  /** Index of a process among the ready; -1 if it is not. */
  protected indexOf(ready: ReadySet, process: number): number {
    for (let i = 0; i < ready.length; i++) if (this.processAt(ready, i) === process) return i;
    return -1;
  }

  /** The process takes the next step. Call it last: the step may be told of at once. */
  protected take(process: number): void {
    this.running = process;
    this.taken.push(process);
    if (this.stage === null) return;
    this.stage.part = this.parts[process];
    this.stage.part?.write();
  }

  made(thing: SharedThing): number {
    const shared = this.processes.shared(this.running, this.madeBy[this.running]++);
    this.things[shared] = thing;
    return shared;
  }

  spawned(id: number, name: string): void {
    const child = this.processes.child(this.running, this.spawnedBy[this.running]++, name);
    while (this.spawnedBy.length < this.processes.size) {
      this.spawnedBy.push(0);
      this.madeBy.push(0);
    }
    this.parts[child] = this.stage?.part ?? null;
    if (id >= 0) this.ofTask[id] = child;
    else this.ofTimer[~id] = child;
  }

  abstract touched(shared: number, access: Access): void;
  abstract enabled(id: number, shared: number): void;
  abstract parked(task: number, shared: number): void;
  abstract ended(id: number, value: unknown): void;
  abstract timeMoves(): void;
}

/** A director that wants to know who takes each step, and not what the steps do. */
export abstract class IdentityDirector extends ObservedDirector {
  touched(): void {
    // Nobody asks.
  }

  enabled(): void {
    // Nobody asks.
  }

  parked(): void {
    // Nobody asks.
  }

  ended(): void {
    // Nobody asks.
  }

  timeMoves(): void {
    // Nobody asks.
  }
}
