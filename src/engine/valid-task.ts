import { SimulationError } from './errors.js';

/** @throws SimulationError for a function that was not called, a promise, an async generator: none of them is ever done */
export function mustBeTask(name: string, task: unknown): void {
  const { next, then } = Object(task) as { readonly next?: unknown; readonly then?: unknown };
  const isAsync = Symbol.asyncIterator in (Object(task) as object) || typeof then === 'function';
  if (typeof next === 'function' && !isAsync) return;
  const what = isAsync
    ? 'async: time is virtual, and nothing is awaited'
    : typeof task === 'function'
      ? 'a function: call it'
      : String(task);
  throw new SimulationError(`task "${name}" must be a generator, what a function* returns; this is ${what}`);
}
