import type { Simulation } from '../engine/index.js';
import type { ReplayKey } from './violation.js';

/** What replays a run up to now: its seed, its policy and, where the policy writes them down, its picks. */
export function replayKey({ seed, policy }: Simulation): ReplayKey {
  const { name, taken } = policy;
  if (taken === undefined) return { seed, schedule: name };
  const last = taken.findLastIndex((pick) => pick !== 0);
  return { seed, schedule: `${name}:${taken.slice(0, last + 1).join(',')}` };
}
