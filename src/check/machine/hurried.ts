import type { Task } from '../../engine/index.js';
import { eachStep } from '../explore/index.js';

/** Delays of a task that take no time: an access has one or two. Who polls for longer has to let time pass. */
const FREE_DELAYS = 4;

/**
 * A task that is in a hurry: its first delays take no time. What takes time comes after all that takes none, in every schedule:
 * a device whose accesses take a microsecond would never be as quick as a system call.
 */
export function hurried<T>(task: Task<T>): Task<T> {
  let left = FREE_DELAYS;
  return eachStep(task, (next) => {
    const step = next();
    if (step.done === true || typeof step.value !== 'number' || !(step.value > 0) || left === 0) return step;
    left--;
    return { done: false, value: 0 };
  });
}
