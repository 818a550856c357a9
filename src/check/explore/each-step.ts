import type { Task, Wait } from '../../engine/index.js';

/** A task each step of which is taken by `run`: it calls what it is given, once. */
export function* eachStep<T>(
  task: Task<T>,
  run: (step: () => IteratorResult<Wait, T>) => IteratorResult<Wait, T>,
): Task<T> {
  let next = (): IteratorResult<Wait, T> => task.next();
  for (;;) {
    const step = run(next);
    if (step.done === true) return step.value;
    try {
      yield step.value;
      next = () => task.next();
    } catch (error) {
      next = () => task.throw(error);
    }
  }
}
