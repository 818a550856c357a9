import type { RuleId } from './violation.js';

/** The rules in a sentence each. */
export const SAYS: Readonly<Record<RuleId, string>> = {
  R1: 'no access through an old translation may land after invalidate_range_start has returned',
  R2: 'no translation of a range may be used between the return of its start and its end',
  R9: 'every start is matched by one end of the same range',
  R10: 'a device may write only where the CPU may',
  R11: 'a translation must not outlive the mapping that it was made from',
  R19: 'when the last process has gone, what is neither cached nor broken is free',
};
