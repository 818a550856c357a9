import type { Simulation, SpawnOptions, StateSink, Task, TaskHandle } from '../../engine/index.js';
import { SharedVariable, type VariableValue } from './shared-variable.js';

/**
 * What is explored: a function that builds a small world on a stage, with its tasks, and returns what to observe at the
 * end, which may also throw. It is called once for each schedule, so it must be cheap and do the same each time.
 */
export type Scenario = (stage: Stage) => Finale | undefined;

/** Called when everything has ended: checks what must hold then, and returns what the schedule has led to. */
export type Finale = () => Outcome | undefined;

/** What a schedule has led to. */
export type Outcome = string | number | boolean;

/** How a task of a scenario is spawned. */
export interface StageTaskOptions extends SpawnOptions {
  /**
   * Says where the task is: its place in its code and whatever else decides what it will do. For searches that tell states
   * apart; a task that does not say it is known by all that it has seen.
   */
  readonly state?: (to: StateSink) => void;
}

/** @internal */
export interface NoteListener {
  noted?(text: string): void;
}

/** Where a scenario builds its world. The simulation's schedule is in the hands of the search. */
export class Stage {
  /** @internal tasks that say where they are, by their ids */
  readonly states = new Map<number, (to: StateSink) => void>();

  /** @internal */
  constructor(
    readonly simulation: Simulation,
    private readonly listener: NoteListener,
  ) {}

  /** A variable that tasks share. */
  shared<T extends VariableValue>(name: string, value: T): SharedVariable<Widened<T>> {
    return new SharedVariable<Widened<T>>(this.simulation, name, value as Widened<T>);
  }

  /** A task whose steps are explored. It first runs when the scenario has been built. */
  task<T>(name: string, task: Task<T>, options: StageTaskOptions = {}): TaskHandle<T> {
    const handle = this.simulation.spawn(name, task, options);
    if (options.state !== undefined) this.states.set(handle.id, options.state);
    return handle;
  }

  /** Runs a task to its end before the search begins: maps memory, registers a region. */
  setUp<T>(name: string, task: Task<T>): T {
    return this.simulation.runTask(name, task);
  }

  /** A line of the narrative of a failing schedule. */
  note(text: string): void {
    this.listener.noted?.(text);
  }
}

/** The type of a variable of which the first value is a literal. */
type Widened<T> = T extends number ? number : T extends boolean ? boolean : T extends string ? string : T;
