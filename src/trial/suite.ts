import type { RuleId } from '../check/index.js';
import type { NicCapability, SvmCapability } from '../../devices/contract/index.js';
import type { Subject } from './subject.js';

/** Something that did not go well. */
export interface TrialFailure {
  /** The rule that was broken; null for another failure: a wrong result, a crash, a run that stands still. */
  readonly rule: RuleId | null;
  readonly reason: string;
  /** The shortest program found that makes it happen, for `pinless run`; null if it was no program. */
  readonly program: readonly string[] | null;
  /** True if the run would have gone on for ever: that takes seconds each time, so the test is not run again. */
  readonly endless?: true;
}

/** How one run went. */
export interface Outcome {
  readonly failure: TrialFailure | null;
  /** Rules that something in the run could have broken. */
  readonly exercised: ReadonlySet<RuleId>;
}

/** Whom a test is for. Instead of what one must declare to be asked: why nobody is. */
export interface Needs {
  /** Drivers of NICs: all of these. */
  readonly nic: readonly NicCapability[] | string;
  /** Devices with shared virtual memory: all of these. */
  readonly svm: readonly SvmCapability[] | string;
  /** Drivers that pin: null if they are asked, too. */
  readonly pins: string | null;
}

/** Something that is asked of a driver, in one run or in many. */
export interface Test {
  /** Unique within its suite; empty if it is all of it. */
  readonly name: string;
  /** How many runs there are, by default: each has a seed, from 1 on. Absent: one run, which has none. */
  readonly seeds?: number;
  /** True if there are no more seeds than those. */
  readonly bounded?: boolean;
  readonly needs: Needs;
  /**
   * One run. Same subject, same seed: same outcome.
   * @param shrink false if the failure need not be the smallest
   */
  run(subject: Subject, seed: number, shrink: boolean): Outcome;
}

/** Tests that belong together. */
export interface Suite {
  /** Lower case, as `--only` takes it. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  readonly tests: readonly Test[];
}

/** Why a test is not for a driver; null if it is. */
export function whyNot({ needs }: Test, { capabilities, pins, tried }: Subject): string | null {
  const needed: readonly (NicCapability | SvmCapability)[] | string =
    tried.kind === 'nic-driver' ? needs.nic : needs.svm;
  if (typeof needed === 'string') return needed;
  if (pins && needs.pins !== null) return needs.pins;
  const missing = needed.find((capability) => !capabilities.has(capability));
  return missing === undefined ? null : `the manifest does not declare ${missing}`;
}
