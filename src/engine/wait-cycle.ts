import type { Waitable } from './waitable.js';

/**
 * A cycle in the wait-for graph that goes through a task: it can never resolve, whatever else goes on.
 * @param waits what each task waits for, by its id
 * @returns the tasks of the cycle, `start` first; null if there is none
 */
export function waitCycle(start: number, waits: readonly (Waitable | null)[]): number[] | null {
  const path: number[] = [];
  const visited = new Set<number>();
  const closes = (task: number): boolean => {
    for (const owner of waits[task]?.owners() ?? []) {
      if (owner === start) return true;
      if (visited.has(owner)) continue;
      visited.add(owner);
      path.push(owner);
      if (closes(owner)) return true;
      path.pop();
    }
    return false;
  };
  return closes(start) ? [start, ...path] : null;
}
