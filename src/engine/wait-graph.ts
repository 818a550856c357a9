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

/**
 * Who keeps a run from going on, and why: the tasks that wait and are no daemons, each followed by the daemons that it
 * waits for, directly or through others; then the daemons that wait for somebody to let go. The latter are named even
 * where no edge leads to them: a task may wait for a message that such a daemon would have sent.
 *
 * @param waits what each task waits for, by its id; null if it does not wait
 */
export function blockedTasks(waits: readonly (Waitable | null)[], isDaemon: (task: number) => boolean): number[] {
  const found = new Set<number>();
  const follow = (task: number): void => {
    const pending = [task];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const wait = waits[next];
      if (wait === null || found.has(next)) continue;
      found.add(next);
      pending.push(...[...wait.mayEndIt()].reverse());
    }
  };
  waits.forEach((wait, task) => {
    if (wait !== null && !isDaemon(task)) follow(task);
  });
  waits.forEach((wait, task) => {
    if (wait?.isHeld === true) follow(task);
  });
  return [...found];
}
