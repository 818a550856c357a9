import type { Simulation } from '../../engine/index.js';
import { replayKey } from '../replay-key.js';
import type { RuleId } from '../rule-texts.js';
import { RuleViolation, violationOf, type Happening, type PageRef } from '../violation.js';

/** Stops the run: a rule is broken by what happens now. @throws RuleViolation always */
export function broken(
  simulation: Simulation,
  rule: RuleId,
  device: string,
  page: PageRef | null,
  before: Happening | null,
  what: string,
): never {
  const contradiction = { rule, device, page, before, after: { time: simulation.now, what } };
  throw new RuleViolation(violationOf(contradiction, replayKey(simulation)));
}
