import {
  STOP,
  Simulation,
  type ReadySet,
  type SchedulePolicy,
  type SimulationOptions,
  type StepObserver,
} from '../../engine/index.js';
import { rootCause } from './failure-kind.js';
import { ScheduleMismatch } from './schedule-mismatch.js';
import { Stage, type Finale, type Outcome, type Scenario } from './stage.js';

/** How one execution of a scenario ended. */
export type Ending =
  | { readonly kind: 'done'; readonly outcome: Outcome | undefined }
  | { readonly kind: 'cut' }
  | { readonly kind: 'failed'; readonly error: unknown };

const CUT: Ending = { kind: 'cut' };

/**
 * Decides who goes next in the executions of a scenario, one after the other. While a scenario is being built it is first
 * in, first out.
 */
export abstract class Director implements SchedulePolicy {
  abstract readonly name: string;
  readonly fifo = false;
  readonly preemptive = true;
  readonly everyStep = true;
  /** Told of each step, if the search needs to know what steps do. */
  readonly observer: StepObserver | null = null;
  /** Steps of the execution that goes on. */
  steps = 0;
  /** Executions that were ended for their length. */
  tooLong = 0;

  private directing = false;
  private options: SimulationOptions | null = null;

  /** @param stepLimit steps after which an execution is given up */
  constructor(private readonly stepLimit: number) {}

  pick(ready: ReadySet): number {
    if (!this.directing) return 0;
    if (++this.steps <= this.stepLimit) return this.choose(ready);
    this.tooLong++;
    return STOP;
  }

  /** Runs the scenario once. */
  run(scenario: Scenario): Ending {
    this.options ??= { policy: this, ...(this.observer === null ? {} : { observer: this.observer }) };
    this.steps = 0;
    this.directing = false;
    const simulation = new Simulation(this.options);
    const stage = new Stage(simulation, this);
    this.opens?.(stage);
    try {
      const finale = finaleOf(scenario(stage));
      this.directing = true;
      this.begins?.(stage);
      simulation.run();
      // Those that nobody waits for have their say too, as far as they are due.
      simulation.runUntil(simulation.now);
      this.directing = false;
      if (simulation.hasStopped) return CUT;
      this.ends?.();
      return { kind: 'done', outcome: outcomeOf(finale) };
    } catch (error) {
      if (this.directing) this.ends?.();
      this.directing = false;
      const cause = rootCause(error);
      if (cause instanceof ScheduleMismatch) throw cause;
      return { kind: 'failed', error };
    }
  }

  /** Which of the ready goes next; STOP cuts the execution. */
  protected abstract choose(ready: ReadySet): number;

  /** A stage is there and empty. */
  protected opens?(stage: Stage): void;

  /** The scenario has been built; from here on it is directed. */
  protected begins?(stage: Stage): void;

  /** The execution is over, and was not cut. */
  protected ends?(): void;

  /** The scenario says something. */
  noted?(text: string): void;
}

/** @throws Error if a scenario has returned something else than what is called at the end */
function finaleOf(returned: Finale | undefined): Finale | undefined {
  if (returned === undefined || typeof returned === 'function') return returned;
  const what = isPromise(returned) ? 'a promise: it must not be async' : `${typeof returned} and no function`;
  throw new Error(`a scenario returns what is called at the end, or nothing; this one returned ${what}`);
}

/** @throws Error if the finale would go on after the schedule has ended: nobody would hear of what it finds */
function outcomeOf(finale: Finale | undefined): Outcome | undefined {
  const outcome: unknown = finale?.();
  if (!isPromise(outcome)) return outcome as Outcome | undefined;
  outcome.then(undefined, () => undefined);
  throw new Error('the finale returned a promise: it must not be async, as a schedule is judged when it returns');
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === 'function';
}
