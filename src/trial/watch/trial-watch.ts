import { MachineRules, Rules, type RuleId, type Violation } from '../../check/index.js';
import { hex } from '../../base/index.js';
import { LivelockError, TaskFailure, formatNs, messageOf } from '../../engine/index.js';
import type { MmSystem } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';
import { Endless, Unexpected } from '../expect.js';
import type { Subject } from '../subject.js';
import type { Outcome } from '../suite.js';
import { Census } from './census.js';

/** One run under the rules that bind its subject: those of mmu notifiers unless it pins; those of the machine always. */
export class TrialWatch {
  readonly census: Census;
  private readonly rules: Rules;
  private readonly devices: ObservedDevice[] = [];

  constructor(
    private readonly subject: Subject,
    private readonly system: MmSystem,
  ) {
    // Before the rules: a translation that they find wrong has put them to the test.
    this.census = new Census(system);
    this.rules = new Rules(system);
  }

  watch(device: ObservedDevice): void {
    this.devices.push(device);
    if (this.subject.pins) return;
    this.census.watch(device);
    this.rules.watch(device);
  }

  /** Called when nothing is under way and no process is left. */
  finish(): void {
    this.rules.finish();
    for (const device of this.devices) new MachineRules(this.system, device).atEnd();
    this.census.note('R19');
  }

  /** How the run went. @param error what it ended with; null if with nothing */
  outcome(error: unknown): Outcome {
    const { exercised } = this.census;
    if (error === null) return { failure: null, exercised };
    const failure = explained(this.rules.explain(error), messages(error));
    return { failure: { ...failure, program: null, ...(isEndless(error) ? { endless: true } : {}) }, exercised };
  }
}

/** What a run says of a driver that throws while it is made. */
export function notMade(error: unknown): Outcome {
  const reason = `the driver could not be made: ${messageOf(error)}`;
  return { failure: { rule: null, reason, program: null }, exercised: new Set() };
}

/** A failure in words: what contradicts the rule that was broken; the message if none was. */
export function explained(
  violation: Violation | null,
  message: string,
): { readonly rule: RuleId | null; readonly reason: string } {
  if (violation === null) return { rule: null, reason: message };
  const { rule, page, before, after } = violation;
  const where = page === null ? '' : `page ${hex(page.address)} of ${page.mm}: `;
  const first = before === null ? '' : `${before.what} (${formatNs(before.time)}), then `;
  return { rule, reason: `${where}${first}${after.what} (${formatNs(after.time)})` };
}

/** Whether a run that was stopped so would have gone on for ever. */
export function isEndless(error: unknown): boolean {
  return causes(error).some((cause) => cause instanceof LivelockError || cause instanceof Endless);
}

/** An error and what caused it, the outermost first. */
function causes(error: unknown): unknown[] {
  return error instanceof Error && error.cause !== undefined ? [error, ...causes(error.cause)] : [error];
}

/** An error and what caused it in words, each said once; of a result that is wrong, only that. */
function messages(error: unknown): string {
  if (error instanceof TaskFailure && error.cause instanceof Unexpected) {
    return `${error.cause.message} (${formatNs(error.time)})`;
  }
  const [first, ...rest] = causes(error).map(messageOf);
  return rest.reduce((said, message) => (said.includes(message) ? said : `${said}: ${message}`), first);
}
