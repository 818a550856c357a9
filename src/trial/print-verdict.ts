import { SAYS, type RuleId } from '../check/index.js';
import type { SeededFailure } from './run-batch.js';
import { nameOf, type Selected } from './select.js';
import { onlyOf, type Replay, type RuleVerdict, type TestVerdict, type Verdict } from './verdict.js';

/** Characters of a line. */
const WIDTH = 110;

/** Failed tests that are told at length, besides rules that were broken. The others are named; `--json` has all. */
const MOST_TOLD = 4;

/** The command that runs something again. @param driver as the user named it */
function replayCommand({ only }: Replay, driver: string): string {
  return `pinless check-driver ${quoted(driver)} --only ${only}`;
}

/** A word of a command line. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word);
}

/** The verdict for programs. */
export function verdictJson(verdict: Verdict, driver: string): string {
  const whole = {
    ...verdict,
    rules: Object.fromEntries(Object.entries(verdict.rules).map(([rule, one]) => [rule, withCommand(one, driver)])),
    suites: verdict.suites.map((suite) => ({ ...suite, tests: suite.tests.map((test) => withCommand(test, driver)) })),
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}

function withCommand(one: RuleVerdict | TestVerdict, driver: string): object {
  if (one.replay === undefined) return one;
  const { program } = one.replay;
  return { ...one, replay: { command: replayCommand(one.replay, driver), ...(program === null ? {} : { program }) } };
}

/** The verdict for people: what was run, what failed and how to see it again, the rules, what does not apply. */
export function verdictText(verdict: Verdict, driver: string): string {
  const blocks = [
    suiteTable(verdict),
    ...failures(verdict, driver),
    rules(verdict),
    uncovered(verdict),
    notApplicable(verdict),
    [`driver "${verdict.driver}" (${verdict.title}): ${outcome(verdict)}`],
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

/** Where nothing applies nothing has been shown. */
function outcome({ verdict, suites }: Verdict): string {
  if (verdict === 'failed') return 'FAILED';
  return suites.some(({ ran }) => ran > 0) ? 'passed' : 'nothing was run';
}

function suiteTable({ suites }: Verdict): string[] {
  const width = Math.max(...suites.map(({ name }) => name.length), 'suite'.length);
  const row = (name: string, ...cells: string[]): string =>
    `${name.padEnd(width)}  ${cells.map((cell) => cell.padStart(9)).join('')}`;
  const count = (n: number): string => n.toLocaleString('en-US');
  return [
    row('suite', 'tests', 'n/a', 'runs', 'failed'),
    ...suites.map(({ name, tests, notApplicable: not, ran, failed }) =>
      row(name, count(tests.length), not === 0 ? '-' : count(not), count(ran), failed === 0 ? '-' : count(failed)),
    ),
  ];
}

/** Every rule that was broken, at its first failure; then every test that failed for another reason. */
function failures({ rules: all, suites, kind }: Verdict, driver: string): string[][] {
  const told = Object.entries(all).filter(([, { status }]) => status === 'failed');
  const others = suites
    .flatMap(({ tests }) => tests)
    .filter(({ status, rule }) => status === 'failed' && (rule === undefined || !(rule in all)));
  return [
    ...told.map(([rule, one]) => failureLines(ruleTitle(rule as RuleId), one, kind, driver)),
    ...others.slice(0, MOST_TOLD).map((test) => {
      const title = test.rule === undefined ? `${test.name} failed` : ruleTitle(test.rule);
      return failureLines(test.stopped === undefined ? title : `${title}, ${test.stopped}`, test, kind, driver);
    }),
    named('failed as well:', others.slice(MOST_TOLD)),
    named(
      'not run, as too many tests did not come back:',
      suites.flatMap(({ tests }) => tests).filter(({ status }) => status === 'not-run'),
    ),
  ];
}

function named(title: string, tests: readonly TestVerdict[]): string[] {
  return tests.length === 0 ? [] : [title, ...wrapped(tests.map(({ name }) => name).join(' '))];
}

/** Tests that passed as far as they went, by what stopped them. */
function uncovered({ suites }: Verdict): string[] {
  const short = suites.flatMap(({ tests }) => tests).filter((test) => test.uncovered !== undefined);
  const reasons = [...new Set(short.map((test) => test.uncovered))];
  return reasons.flatMap((reason) =>
    named(
      `passed as far as it went, ${reason ?? ''}:`,
      short.filter((test) => test.uncovered === reason),
    ),
  );
}

function ruleTitle(rule: RuleId): string {
  return `${rule}: ${SAYS[rule]}`;
}

/**
 * A failure for people: what was broken, what was seen, and how to see it again.
 * @param driver as `pinless check-driver` takes it
 */
export function failureText(
  selected: Selected,
  { rule, reason, seed, program }: SeededFailure,
  kind: Verdict['kind'],
  driver: string,
): string {
  const title = rule === null ? `${nameOf(selected)} failed` : ruleTitle(rule);
  return failureLines(title, { reason, replay: { only: onlyOf(selected, seed), program } }, kind, driver).join('\n');
}

function failureLines(
  title: string,
  { reason, replay }: { readonly reason?: string; readonly replay?: Replay },
  kind: Verdict['kind'],
  driver: string,
): string[] {
  const lines = [title, ...(reason ?? '').split('\n').map((line) => `  ${line}`)];
  if (replay === undefined) return lines;
  lines.push(`  again: ${replayCommand(replay, driver)}`);
  if (replay.program === null) return lines;
  lines.push(
    kind === 'nic-driver' ? `  or: pinless run program.txt --driver ${quoted(driver)}, with` : '  the program:',
  );
  return [...lines, ...replay.program.map((line) => `    ${line}`)];
}

function rules({ rules: all }: Verdict): string[] {
  const which = (status: string): string =>
    Object.entries(all)
      .filter(([, one]) => one.status === status)
      .map(([rule]) => rule)
      .join(' ');
  return [
    ['held', which('passed')],
    ['broken', which('failed')],
  ]
    .filter(([, list]) => list !== '')
    .map(([what, list]) => `rules ${what}: ${list}`);
}

/** What does not apply, by reason. A suite of which nothing does, for one reason, is named as a whole. */
function notApplicable({ rules: all, suites }: Verdict): string[] {
  const byReason = new Map<string, string[]>();
  const add = (name: string, reason: string): void => {
    byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  };
  for (const [rule, { status, reason }] of Object.entries(all)) {
    if (status === 'not-applicable' && reason !== undefined) add(rule, reason);
  }
  for (const { name, tests } of suites) {
    const none = tests.filter(({ status }) => status === 'not-applicable');
    const whole = none.length === tests.length && new Set(none.map(({ reason }) => reason)).size === 1;
    for (const test of whole ? none.slice(0, 1) : none) add(whole ? name : test.name, test.reason ?? '');
  }
  if (byReason.size === 0) return [];
  return ['does not apply:', ...[...byReason].flatMap(([reason, names]) => wrapped(`${reason}: ${names.join(' ')}`))];
}

/** Words in lines, the first indented by two, the others by four. */
function wrapped(text: string): string[] {
  const lines: string[] = [];
  let line = ' ';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '   ';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
