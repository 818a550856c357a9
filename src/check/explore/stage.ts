import type { Simulation, SpawnOptions, Task, TaskHandle } from '../../engine/index.js';
import { SharedVariable } from './shared-variable.js';

/**
 * What is explored: a function that builds a small world on a stage, with its tasks, and returns what to observe at the
 * end, which may also throw. It is called once for each schedule, so it must be cheap and do the same each time.
 */
export type Scenario = (stage: Stage) => Finale | undefined;

/** Called when everything has ended: checks what must hold then, and returns what the schedule has led to. */
export type Finale = () => Outcome | undefined;

/** What a schedule has led to. */
export type Outcome = string | number | boolean;

/** Adds what it must to the hash of a state. */
export type Expose = (hash: StateSink) => void;

/** Where a state goes to be hashed. */
export interface StateSink {
  /** @param value any number */
  add(value: number): void;
  text(value: string): void;
}

/** How a task of a scenario is spawned. */
export interface StageTaskOptions extends SpawnOptions {
  /** What tells where the task is: its place in its code and its local variables. For searches that hash states. */
  readonly state?: Expose;
}

/** @internal */
export interface NoteListener {
  noted?(text: string): void;
}

/** Where a scenario builds its world. The simulation's schedule is in the hands of the search. */
export class Stage {
  /** @internal */
  readonly exposed: Expose[] = [];
  /** @internal */
  readonly variables: SharedVariable<unknown>[] = [];
  /** @internal number of tasks that do not say where they are */
  hidden = 0;

  /** @internal */
  constructor(
    readonly simulation: Simulation,
    private readonly listener: NoteListener,
  ) {}

  /** A variable that tasks share. */
  shared<T>(name: string, value: T): SharedVariable<T> {
    const variable = new SharedVariable(this.simulation, name, value);
    this.variables.push(variable);
    return variable;
  }

  /** A task whose steps are explored. It first runs when the scenario has been built. */
  task<T>(name: string, task: Task<T>, options: StageTaskOptions = {}): TaskHandle<T> {
    if (options.state === undefined) this.hidden++;
    else this.exposed.push(options.state);
    return this.simulation.spawn(name, task, options);
  }

  /** Runs a task to its end before the search begins: maps memory, registers a region. */
  setUp<T>(name: string, task: Task<T>): T {
    return this.simulation.runTask(name, task);
  }

  /** State besides shared variables and tasks, for searches that hash states. */
  expose(state: Expose): void {
    this.exposed.push(state);
  }

  /** A line of the narrative of a failing schedule. */
  note(text: string): void {
    this.listener.noted?.(text);
  }
}
