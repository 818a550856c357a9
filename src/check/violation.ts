import { hex } from '../base/index.js';
import { formatNs } from '../engine/index.js';
import { SAYS, type RuleId } from './rule-texts.js';

/** Something that happened. */
export interface Happening {
  /** Virtual time in ns. */
  readonly time: number;
  readonly what: string;
}

/** A page of a process. */
export interface PageRef {
  readonly mm: string;
  readonly address: number;
}

/** What was seen that contradicts a rule. */
export interface Contradiction {
  readonly rule: RuleId;
  /** Who broke it: a driver and its device, or the kernel. */
  readonly device: string;
  /** The page that it is about; null if it is about none in particular. */
  readonly page: PageRef | null;
  /** What had happened before; null where nothing had that should have. */
  readonly before: Happening | null;
  /** What happened then, and contradicts it. */
  readonly after: Happening;
}

/** How to see it again: the world of that seed, under that schedule. */
export interface ReplayKey {
  readonly seed: number;
  /** The policy, and the picks it made if it writes them down: `replay:0,2,1`. */
  readonly schedule: string;
}

/** A broken rule, whole: an object for programs, a sentence for people. */
export interface Violation extends Contradiction, ReplayKey {
  /** The rule in a sentence. */
  readonly says: string;
  /** Virtual time in ns. */
  readonly time: number;
}

/** A rule is broken: the run stops. */
export class RuleViolation extends Error {
  override readonly name = 'RuleViolation';

  constructor(readonly violation: Violation) {
    super(sentence(violation));
  }
}

/** A contradiction with all that belongs to it. */
export function violationOf(contradiction: Contradiction, key: ReplayKey): Violation {
  return { ...contradiction, ...key, says: SAYS[contradiction.rule], time: contradiction.after.time };
}

/** A violation in words. */
export function sentence({ rule, device, says, page, before, after, time, seed, schedule }: Violation): string {
  const where = page === null ? '' : ` page ${hex(page.address)} of ${page.mm}:`;
  const first = before === null ? '' : ` ${before.what} (${formatNs(before.time)}), then`;
  return (
    `rule ${rule} broken by ${device} at ${formatNs(time)} (seed ${String(seed)}, schedule ${schedule}): ${says};` +
    `${where}${first} ${after.what}`
  );
}
