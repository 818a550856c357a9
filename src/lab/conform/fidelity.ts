import { NOT_REACHED, type Comparison, type Divergence } from './compare-run.js';
import { LEVELS, type Level } from './levels.js';

/** Levels that a model must have right. */
const REQUIRED: readonly Level[] = ['L1', 'L2', 'L3', 'L4'];

/** The comparison as a page of documentation: counts by kind and level, then each program that differs, and where. */
export function conformMarkdown(comparisons: readonly Comparison[]): string {
  const kinds = [...new Set(comparisons.map(({ kind }) => kind))].sort();
  const of = (kind: string): Comparison[] => comparisons.filter((comparison) => comparison.kind === kind);
  const rows = kinds.map((kind) => row(kind, of(kind)));
  const lines = [
    '# What agrees with Linux, and what does not',
    '',
    'Made by `npm run fidelity` from the recorded programs in `test/fixtures/linux-traces`; CI makes it again and compares.',
    'The levels are explained in [programs.md](programs.md): L1 the notifier stream, L2 the device, L3 write faults and',
    'cleaning, L4 results and contents of files; L3R, P and T are informative.',
    '',
    `| kind | programs | ${LEVELS.join(' | ')} |`,
    `| --- | ---: |${' ---: |'.repeat(LEVELS.length)}`,
    ...rows,
    row('**all**', comparisons),
    '',
    ...kinds.flatMap((kind) => differences(kind, of(kind))),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function row(title: string, comparisons: readonly Comparison[]): string {
  const counts = LEVELS.map((level) => {
    const results = comparisons.flatMap(({ levels }) => levels[level] ?? []);
    const agreeing = results.filter(({ first }) => first === null).length;
    return agreeing === results.length ? String(agreeing) : `${String(agreeing)} of ${String(results.length)}`;
  });
  return `| ${title} | ${String(comparisons.length)} | ${counts.join(' | ')} |`;
}

/** Each program of a kind that differs at a required level; those that stop at what is not modelled are only counted. */
function differences(kind: string, comparisons: readonly Comparison[]): string[] {
  const stops = new Map<string, number>();
  const lines: string[] = [];
  for (const { name, levels, stopped } of comparisons) {
    const firsts = REQUIRED.flatMap((level) => {
      const first = levels[level]?.first ?? null;
      return first === null ? [] : [{ level, first }];
    });
    if (firsts.length === 0) continue;
    const { first } = firsts.reduce((a, b) => (b.first.step < a.first.step ? b : a));
    if (isStop(first)) stops.set(stopped ?? '', (stops.get(stopped ?? '') ?? 0) + 1);
    else
      lines.push(
        describe(
          name,
          first,
          firsts.map(({ level }) => level),
        ),
      );
  }
  if (lines.length === 0 && stops.size === 0) return [];
  const counted = [...stops].map(([reason, times]) => `- ${String(times)} programs stop: ${reason}`);
  return [`## ${kind}`, '', ...counted, ...lines, ''];
}

function isStop({ actual }: Divergence): boolean {
  return actual.at(0)?.startsWith(NOT_REACHED) === true;
}

function describe(name: string, { step, do: op, expected, actual }: Divergence, levels: readonly Level[]): string {
  const at = expected.findIndex((line, i) => line !== actual.at(i));
  const index = at < 0 ? expected.length : at;
  const shown = (lines: readonly string[]): string => `\`${(lines.at(index) ?? 'nothing more').slice(0, 100)}\``;
  return `- ${name} (${levels.join(', ')}) step ${String(step)}, \`${op}\`: Linux ${shown(expected)}, pinless ${shown(actual)}`;
}
