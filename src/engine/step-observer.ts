/**
 * How a step uses something that tasks share. Steps that do it in one of these ways may change places and nobody can tell:
 *
 *   READ              both only look
 *   UPDATE, RELEASE   changes of which the order does not matter: one reader more, one hold less. A release is one for
 *                     which somebody may wait, together with others: when it takes several to let a task go on, it is
 *                     let go on by all of them, whichever comes last
 *
 * Any other pair may not.
 */
export const READ = 0;
/** It changes, and others of the kind may come before or after. */
export const UPDATE = 1;
/** As UPDATE, and somebody may wait for it. */
export const RELEASE = 2;
/** It changes. */
export const WRITE = 3;
/** One of READ, UPDATE, RELEASE and WRITE. */
export type Access = typeof READ | typeof UPDATE | typeof RELEASE | typeof WRITE;

/** Where something says what its state is, so that two states can be held against each other. */
export interface StateSink {
  add(value: number): void;
  text(value: string): void;
  /** A task by its id; -1 for nobody. */
  task(id: number): void;
}

/** Something that tasks share. */
export interface SharedThing {
  /** All of its state, as far as it makes a difference to what can happen. What cannot tell is known by its history. */
  expose?(to: StateSink): void;
}

/**
 * Whoever has to know what each step does to what tasks share: a search over schedules. A step is what a task or timer
 * does from being picked until the policy is asked again.
 *
 * A task is known by its id, a timer by the complement of its slot, as in a ReadySet. Both are used again.
 */
export interface StepObserver {
  /**
   * Something that tasks share has been made.
   * @returns its number, which must be the same in every run in which its maker has done the same until then; 0 or more
   */
  made(thing: SharedThing): number;
  /** The step that goes on now uses it. */
  touched(shared: number, access: Access): void;
  /** It made a task or a timer. */
  spawned(id: number, name: string): void;
  /** It made a timer due, or a task ready that waited for something that is shared. */
  enabled(id: number, shared: number): void;
  /** It ended with a wait for something that is shared. */
  parked(task: number, shared: number): void;
  /** It was the last one of a task, which returned a value, or of a timer. */
  ended(id: number, value: unknown): void;
  /** All that was ready at this instant has run, and the clock goes on. */
  timeMoves(): void;
}
