import Table from 'cli-table3';
import { NOT_REACHED, type Comparison, type Divergence, type LevelResult } from './compare-run.js';
import { LEVELS, type Level } from './levels.js';

/** Levels that count for a level: L4 stands for all that a model must have right. */
const INCLUDED: Readonly<Record<Level, readonly Level[]>> = {
  L1: ['L1'],
  L2: ['L1', 'L2'],
  L3: ['L1', 'L2', 'L3'],
  L4: ['L1', 'L2', 'L3', 'L4'],
  L3R: ['L3R'],
  P: ['P'],
  T: ['T'],
};

/** True if every program agrees at the level and at those that it includes. */
export function conforms(comparisons: readonly Comparison[], level: Level): boolean {
  return comparisons.every(({ levels }) => INCLUDED[level].every((part) => (levels[part]?.first ?? null) === null));
}

interface Failure extends Divergence {
  readonly name: string;
  readonly level: Level;
}

function failuresOf(comparisons: readonly Comparison[], only: Level | undefined): Failure[] {
  const shown = only === undefined ? INCLUDED.L4 : [only];
  return comparisons.flatMap(({ name, levels }) =>
    shown.flatMap((level) => {
      const first = levels[level]?.first ?? null;
      return first === null ? [] : [{ name, level, ...first }];
    }),
  );
}

interface Counts {
  readonly pass: number;
  readonly of: number;
}

function count(results: readonly LevelResult[]): { programs: Counts; steps: Counts } {
  const sum = (of: (result: LevelResult) => number): number => results.reduce((total, one) => total + of(one), 0);
  return {
    programs: { pass: results.filter(({ first }) => first === null).length, of: results.length },
    steps: { pass: sum(({ agreeing }) => agreeing), of: sum(({ steps }) => steps) },
  };
}

function resultsAt(comparisons: readonly Comparison[], level: Level): LevelResult[] {
  return comparisons.flatMap(({ levels }) => levels[level] ?? []);
}

/** The result as JSON. */
export function conformJson(comparisons: readonly Comparison[], level: Level | undefined): unknown {
  const counts = LEVELS.map((of) => [of, count(resultsAt(comparisons, of))] as const);
  return {
    programs: comparisons.length,
    levels: Object.fromEntries(counts.map(([of, { programs }]) => [of, programs])),
    steps: Object.fromEntries(counts.map(([of, { steps }]) => [of, steps])),
    failures: failuresOf(comparisons, level),
  };
}

/** The result for people: the failures, what they begin with, and a table by kind and level. */
export function conformText(comparisons: readonly Comparison[], level: Level | undefined, failures: number): string {
  const failed = failuresOf(comparisons, level).filter(isNews);
  const shown = failed.slice(0, failures).map(describeFailure);
  const more = failed.length > failures ? [`… and ${String(failed.length - failures)} more`] : [];
  return (
    [...shown, ...more, histogram(comparisons, level), table(comparisons)].filter((part) => part !== '').join('\n') +
    '\n'
  );
}

/** That a run stopped is said once, not for every level. */
function isNews({ actual, step }: Failure, index: number, failures: readonly Failure[]): boolean {
  if (actual.at(0)?.startsWith(NOT_REACHED) !== true) return true;
  const before = failures.at(index - 1);
  return index === 0 || before?.name !== failures[index].name || before.step !== step;
}

/** Lines before the first difference that are shown, and from there on. */
const BEFORE = 2;
const SHOWN = 10;
/** Widest line for which there is room beside another. */
const HALF = 56;

/** The step, and what was expected beside what happened, from shortly before they part. */
function describeFailure({ name, level, step, do: op, expected, actual }: Failure): string {
  const length = Math.max(expected.length, actual.length);
  const same = Array.from({ length }, (_, i) => expected.at(i) === actual.at(i));
  const from = Math.max(0, same.indexOf(false) - BEFORE);
  const to = Math.min(length, from + BEFORE + SHOWN);
  const title = `${name} ${level} step ${String(step)}: ${op}`;
  if ([...expected.slice(from, to), ...actual.slice(from, to)].some((line) => line.length > HALF)) {
    return [title, ...expected.slice(from, to).map((line) => `    linux    ${line}`)]
      .concat(actual.slice(from, to).map((line) => `    pinless  ${line}`))
      .join('\n');
  }
  const rows = [`    ${'linux'.padEnd(HALF)} pinless`];
  if (from > 0) rows.push('    …');
  for (let i = from; i < to; i++) {
    rows.push(`  ${same[i] ? ' ' : '≠'} ${(expected[i] ?? '').padEnd(HALF)} ${actual[i] ?? ''}`.trimEnd());
  }
  if (to < length) rows.push('    …');
  return [title, ...rows].join('\n');
}

/** Which ops the programs that fail first fail at, most frequent first. */
function histogram(comparisons: readonly Comparison[], level: Level | undefined): string {
  const tally = new Map<string, number>();
  for (const { levels, stopped } of comparisons) {
    const shown = level === undefined ? INCLUDED.L4 : [level];
    const firsts = shown.flatMap((of) => levels[of]?.first ?? []);
    if (firsts.length === 0) continue;
    const first = firsts.reduce((a, b) => (b.step < a.step ? b : a));
    const isStop = first.actual.at(0)?.startsWith(NOT_REACHED) === true;
    const what = isStop ? `stopped: ${stopped ?? ''}` : opOf(first.do);
    tally.set(what, (tally.get(what) ?? 0) + 1);
  }
  if (tally.size === 0) return '';
  const lines = [...tally].sort(([, a], [, b]) => b - a).map(([what, times]) => `${String(times).padStart(6)} ${what}`);
  return ['First divergences:', ...lines.slice(0, 40)].join('\n');
}

function opOf(line: string): string {
  const detail = /\b(?:advice|mode|policy)=\S+/.exec(line)?.[0];
  return [line.split(' ')[0], detail].filter((word) => word !== undefined).join(' ');
}

function table(comparisons: readonly Comparison[]): string {
  const kinds = [...new Set(comparisons.map(({ kind }) => kind))].sort();
  const rows = new Table({ head: ['kind', 'programs', ...LEVELS], style: { head: [], border: [] } });
  const add = (title: string, of: readonly Comparison[]): void => {
    rows.push([
      title,
      String(of.length),
      ...LEVELS.map((level) => {
        const { programs } = count(resultsAt(of, level));
        const percent = programs.of === 0 ? 100 : Math.floor((1000 * programs.pass) / programs.of) / 10;
        return `${String(programs.pass)} (${String(percent)} %)`;
      }),
    ]);
  };
  for (const kind of kinds)
    add(
      kind,
      comparisons.filter((comparison) => comparison.kind === kind),
    );
  if (kinds.length > 1) add('all', comparisons);
  return rows.toString();
}
