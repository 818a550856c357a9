import type { Simulation } from '../engine/index.js';
import type { ReplayKey } from './violation.js';

/** What replays a run up to now: its seed, its policy and, where the policy writes them down, its picks. */
export function replayKey({ seed, policy }: Simulation): ReplayKey {
  const { name, picks } = policy;
  return { seed, schedule: picks === undefined ? name : `${name}:${picks.join(',')}` };
}
