import { SharedState, type Simulation } from '../../engine/index.js';

/**
 * A variable that tasks of a scenario share. Reading and writing it is what a search over schedules looks at: two steps
 * that use the same variable, one of them to write, are explored in both orders.
 */
export class SharedVariable<T> {
  private readonly state: SharedState;

  /** @internal made by Stage.shared */
  constructor(
    simulation: Simulation,
    readonly name: string,
    private value: T,
  ) {
    this.state = new SharedState(simulation);
  }

  get(): T {
    this.state.read();
    return this.value;
  }

  set(value: T): void {
    this.state.write();
    this.value = value;
  }

  /** Looks at it without counting as a step that uses it: for the hash of a state, and for messages. */
  peek(): T {
    return this.value;
  }
}
