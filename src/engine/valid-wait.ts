import { SimulationError } from './errors.js';
import type { Wait } from './task.js';
import type { Waitable } from './waitable.js';

/** Whether a task may yield this. Plugins may be JavaScript, so it is looked at before it is used. */
export function isWait(value: Wait, now: number): boolean {
  if (typeof value !== 'number') return typeof (value as Waitable | null | undefined)?.admit === 'function';
  const due = now + value;
  return value >= 0 && Math.trunc(due) === due;
}

/** What is wrong with it. */
export function noWait(value: unknown): SimulationError {
  const why =
    typeof value === 'number' ? 'a delay must be an integer of 0 ns or more' : 'a task waits for a delay or a waitable';
  return new SimulationError(`${why}, not ${String(value)}`);
}
