import { SharedState, type Simulation, type SpawnOptions, type Task, type TaskHandle } from '../../engine/index.js';
import { eachStep } from './each-step.js';
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

/** @internal who hears what a scenario says of itself */
export interface StageListener {
  noted?(text: string): void;
  placed?(place: number, a: number, b: number, c: number): void;
}

/** Where a scenario builds its world. The simulation's schedule is in the hands of the search. */
export class Stage {
  /** @internal the state that the code that runs belongs to, and what it starts; null where it says itself what it uses */
  part: SharedState | null = null;

  /** @internal */
  constructor(
    readonly simulation: Simulation,
    private readonly listener: StageListener,
  ) {}

  /** A variable that tasks share. */
  shared<T extends VariableValue>(name: string, value: T): SharedVariable<Widened<T>> {
    return new SharedVariable<Widened<T>>(this.simulation, name, value as Widened<T>);
  }

  /** State that tasks share and that is no variable: whoever looks at it or changes it says so there. */
  state(): SharedState {
    return new SharedState(this.simulation);
  }

  /**
   * Runs code that does not itself say what it does to what tasks share: all of it counts as a change of `part`, and so does
   * each step of the tasks and timers that it makes, and of theirs.
   */
  within<T>(part: SharedState, code: () => T): T {
    const outer = this.part;
    this.part = part;
    part.write();
    try {
      return code();
    } finally {
      this.part = outer;
    }
  }

  /** A task each step of which runs within `part`. */
  stepsWithin<T>(part: SharedState, task: Task<T>): Task<T> {
    return eachStep(task, (step) => this.within(part, step));
  }

  /** A task whose steps are explored. It first runs when the scenario has been built. */
  task<T>(name: string, task: Task<T>, options: SpawnOptions = {}): TaskHandle<T> {
    return this.simulation.spawn(name, task, options);
  }

  /** Runs a task to its end before the search begins: maps memory, registers a region. */
  setUp<T>(name: string, task: Task<T>): T {
    return this.simulation.runTask(name, task);
  }

  /**
   * Called by a task, right before it yields: from here on it is known by these numbers, which say where in its code it is
   * and what its local variables are. For searches that tell states apart; a task that does not say it is known by all that
   * its steps have seen.
   */
  known(place: number, a = 0, b = 0, c = 0): void {
    this.listener.placed?.(place, a, b, c);
  }

  /** A line of the narrative of a failing schedule; a function is only called where it is told. */
  note(text: string | (() => string)): void {
    const { listener } = this;
    if (listener.noted !== undefined) listener.noted(typeof text === 'string' ? text : text());
  }
}

/** The type of a variable of which the first value is a literal. */
type Widened<T> = T extends number ? number : T extends boolean ? boolean : T extends string ? string : T;
