import { formatNs } from '../engine/index.js';

/** The rules that this floor watches so far; numbers and meanings as in the list R1 to R19 of docs/rules.md. */
export type RuleId = 'R1' | 'R2' | 'R9' | 'R10' | 'R11' | 'R19';

/** What was seen that contradicts a rule. */
export interface Contradiction {
  readonly rule: RuleId;
  /** The rule in a sentence. */
  readonly says: string;
  readonly device: string;
  /** What happened instead: the object, the value, and the event that it contradicts. */
  readonly saw: string;
}

/** A rule is broken: the run stops. Virtual time and seed replay it. */
export class RuleViolation extends Error {
  override readonly name = 'RuleViolation';

  constructor(
    readonly contradiction: Contradiction,
    readonly time: number,
    readonly seed: number,
  ) {
    const { rule, says, device, saw } = contradiction;
    super(`rule ${rule} broken by ${device} at ${formatNs(time)} (seed ${String(seed)}): ${says}; ${saw}`);
  }
}
