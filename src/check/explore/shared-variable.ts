import { READ, Shared, WRITE, type Simulation, type StateSink } from '../../engine/index.js';

/**
 * A variable that tasks of a scenario share. Reading and writing it is what a search over schedules looks at: two steps
 * that use the same variable, one of them to write, are explored in both orders.
 */
export class SharedVariable<T extends VariableValue> extends Shared {
  /** @internal made by Stage.shared */
  constructor(
    simulation: Simulation,
    readonly name: string,
    private value: T,
  ) {
    super(simulation);
  }

  get(): T {
    this.touch(READ);
    return this.value;
  }

  set(value: T): void {
    this.touch(WRITE);
    this.value = value;
  }

  /** @internal Its value, for a narrative: no step of the scenario looks at it. */
  peek(): T {
    return this.value;
  }

  /** @internal */
  override expose(to: StateSink): void {
    if (typeof this.value === 'number') to.add(this.value);
    else to.text(String(this.value));
  }
}

/** What a shared variable can hold: nothing that could change behind its back. */
export type VariableValue = number | string | boolean | null;
