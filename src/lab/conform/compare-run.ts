import type { ByteRun, FinalFile, ProgramRun, RecordedStep, Recording } from '../program/index.js';
import { LEVELS, VIEWS, canonical, type Level } from './levels.js';

/** What a view says of a step that the run did not come to, before the reason. */
export const NOT_REACHED = 'not reached';

/** Where a level first disagrees. */
export interface Divergence {
  /** Number of the step, from 0; one behind the last for the final contents of files. */
  readonly step: number;
  /** The op. */
  readonly do: string;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

export interface LevelResult {
  /** Steps that agree. */
  readonly agreeing: number;
  readonly steps: number;
  readonly first: Divergence | null;
}

/** How a run agrees with what was recorded, level by level; levels that are not stable in the recording are absent. */
export interface Comparison {
  readonly name: string;
  readonly kind: string;
  readonly levels: Readonly<Partial<Record<Level, LevelResult>>>;
  /** Why the run stopped early. */
  readonly stopped: string | null;
}

/** Compares step by step. */
export function compareRun(recording: Recording, run: ProgramRun): Comparison {
  const levels: Partial<Record<Level, LevelResult>> = {};
  for (const level of LEVELS) {
    if (isStable(recording, level)) levels[level] = compareLevel(recording, run, level);
  }
  return { name: recording.name, kind: kindOf(recording.name), levels, stopped: run.stopped?.reason ?? null };
}

/** The kind of a program: what a random one's name says behind the number; `hand` for those written by people. */
export function kindOf(name: string): string {
  return /^\d+-(.+)$/.exec(name)?.[1] ?? 'hand';
}

function isStable({ unstable, t_unstable: tUnstable }: Recording, level: Level): boolean {
  if (level === 'T' && tUnstable === true) return false;
  return unstable?.includes(level) !== true;
}

function compareLevel(recording: Recording, run: ProgramRun, level: Level): LevelResult {
  const { steps } = recording;
  let agreeing = 0;
  let first: Divergence | null = null;
  for (let i = 0; i < steps.length; i++) {
    const expected = VIEWS[level](steps[i]);
    const actual = viewOf(run, i, level);
    if (isSame(expected, actual)) agreeing++;
    else first ??= { step: i, do: recording.program[i], expected, actual };
  }
  if (level === 'L4' && first === null) first = compareFinal(recording, run);
  return { agreeing, steps: steps.length, first };
}

function viewOf(run: ProgramRun, step: number, level: Level): string[] {
  const taken: RecordedStep | undefined = run.steps.at(step);
  return taken === undefined
    ? [`${NOT_REACHED}: ${run.stopped?.reason ?? 'the run has fewer steps'}`]
    : VIEWS[level](taken);
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((line, i) => line === b[i]);
}

function compareFinal(recording: Recording, run: ProgramRun): Divergence | null {
  const expected: string[] = [];
  const actual: string[] = [];
  for (const [file, wanted] of Object.entries(recording.final)) {
    const got = run.final[file] as FinalFile | undefined;
    const [a, b] = comparableFinals(wanted, got);
    if (a === b) continue;
    expected.push(`${file}: ${a}`);
    actual.push(`${file}: ${b}`);
  }
  if (expected.length === 0) return null;
  return { step: recording.steps.length, do: 'final contents of files', expected, actual };
}

function comparableFinals(wanted: FinalFile, got: FinalFile | undefined): [string, string] {
  if (got === undefined) return [canonical(wanted), 'no such file'];
  if (wanted.cut !== true) return [canonical(wanted), canonical(got)];
  const cut = (file: FinalFile): FinalFile => ({
    size: file.size,
    ...(wanted.cache_diff === undefined ? {} : { cache_diff: cutRuns(file.cache_diff, wanted.cache_diff) }),
    ...(wanted.disk_diff === undefined ? {} : { disk_diff: cutRuns(file.disk_diff, wanted.disk_diff) }),
  });
  return [canonical(cut(wanted)), canonical(cut(got))];
}

/** As many runs as the recording has, the last of which may have been cut short. */
function cutRuns(runs: readonly ByteRun[] | undefined, limit: readonly ByteRun[]): readonly ByteRun[] {
  return (runs ?? []).slice(0, limit.length);
}
