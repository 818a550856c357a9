import { plural } from './budget-watch.js';
import type { SavedSchedule } from './schedule.js';

/** A schedule that fails. */
export interface Failure {
  readonly error: unknown;
  readonly message: string;
  /** The schedule, shrunk: with as few context switches as could be found. */
  readonly schedule: SavedSchedule;
  readonly steps: number;
  readonly contextSwitches: number;
  /** True if it is sure that no schedule with fewer context switches fails like this. */
  readonly fewest: boolean;
  /** What the schedule was like when it was found. */
  readonly foundWith: { readonly steps: number; readonly contextSwitches: number };
  /** The schedule in two columns. */
  readonly narrative: string;
}

/** What a search has seen, and what it has not. */
export interface ExploreReport {
  readonly scenario: string;
  readonly search: string;
  readonly executions: number;
  readonly steps: number;
  /** Different states, where they are counted. */
  readonly states?: number;
  /** Executions that were given up at the limit of steps. */
  readonly tooLong: number;
  /** Executions that were cut because what they might still have shown had been seen. */
  readonly redundant: number;
  /** What the finale returned, as text, and how often. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** True if every schedule that the search is about has been covered. */
  readonly complete: boolean;
  /** What was covered and what was not, in a sentence. */
  readonly coverage: string;
  /** Executions that failed. */
  readonly failures: number;
  /** What kinds of failures they are, without numbers that depend on the schedule, and how often each was met. */
  readonly failureKinds: ReadonlyMap<string, number>;
  /** The first of them. */
  readonly failure: Failure | null;
}

/** The report for people. */
export function describeReport(report: ExploreReport): string {
  const { scenario, search, executions, steps, coverage, failure } = report;
  const counted = report.states === undefined ? '' : `, ${plural(report.states, 'state')}`;
  const lines = [
    `${scenario} (${search}): ${plural(executions, 'execution')}, ${plural(steps, 'step')}${counted}; ${coverage}`,
  ];
  for (const [outcome, count] of report.outcomes) lines.push(`  ${plural(count, 'execution')} led to ${outcome}`);
  if (failure !== null) {
    const few = search === 'replay' ? '' : failure.fewest ? ' (no fewer will do)' : ' (there may be a shorter one)';
    lines.push(
      `  fails after ${plural(failure.steps, 'step')} and ${plural(failure.contextSwitches, 'context switch')}${few}:`,
      '',
      failure.narrative,
    );
  }
  return lines.join('\n');
}
