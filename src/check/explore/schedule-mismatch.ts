import type { ReadySet } from '../../engine/index.js';

/** A scenario does not do the same each time, or is not the one that a schedule was made for: nothing can be said of it. */
export class Irreproducible extends Error {
  override readonly name: string = 'Irreproducible';
}

/**
 * A schedule cannot be followed: somebody whose turn it is cannot go on. Either it is another scenario's, or the scenario
 * does not do the same each time.
 */
export class ScheduleMismatch extends Irreproducible {
  override readonly name = 'ScheduleMismatch';

  constructor(step: number, whose: string, ready: ReadySet) {
    const names = Array.from({ length: ready.length }, (_, index) => `"${ready.name(index)}"`);
    super(
      `the schedule does not fit this run: step ${String(step)} is of "${whose}", and only ${names.join(', ')} can go; ` +
        'if it is the scenario that it was made for, that does not do the same each time',
    );
  }
}
