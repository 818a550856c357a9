/** For each process: how many of its events come first; 0 for those behind the end. Never changed once made. */
export type Clock = readonly number[];

/** Nothing comes first. */
export const START: Clock = [];

export function countOf(clock: Clock, process: number): number {
  return process < clock.length ? clock[process] : 0;
}

/** What comes first in either. */
export function join(a: Clock, b: Clock): Clock {
  if (a === b || b.length === 0) return a;
  if (a.length === 0) return b;
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  let joined: number[] | null = null;
  for (let process = 0; process < short.length; process++) {
    if (short[process] <= long[process]) continue;
    joined ??= long.slice();
    joined[process] = short[process];
  }
  return joined ?? long;
}

/** The same with a count for one process. */
export function withCount(clock: Clock, process: number, count: number): Clock {
  const changed = clock.slice();
  while (changed.length < process) changed.push(0);
  changed[process] = count;
  return changed;
}
