import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { Tinypool } from 'tinypool';
import { SAYS, type RuleId } from '../check/index.js';
import { loadDriver } from './load-drivers.js';
import type { Output } from './output.js';
import { parseInteger } from './parse-options.js';
import { Progress } from './progress.js';
import { OPERATIONS, type TrialFailure, type TrialTask } from './trial-worker.js';

interface Typed {
  readonly json?: true;
  readonly programs: string;
  readonly storms: string;
  readonly storm?: string;
}

/** What is checked of a driver is a rule that binds drivers; the kernel's and the machine's are broken by bugs of pinless. */
const RULES = (Object.keys(SAYS) as RuleId[]).filter((rule) => rule.startsWith('R'));

/** Work that a thread gets at once. */
const BATCH = 10;

interface Suite {
  readonly name: TrialTask['suite'];
  readonly ran: number;
  readonly failures: readonly TrialFailure[];
}

const TEXT = `
A driver that says onDemandPaging is held to the rules of docs/rules.md while it serves
  operations   every operation of pinless explain,
  storms       RDMA from several queue pairs among madvise, mprotect, fork, munmap, mmap, fsync, registrations and an OOM
               reap, each under another random schedule,
  programs     random programs of memory, file and RDMA operations, of all kinds.
No schedule is proved: what is not found may still be there. Exit status: 0 nothing was found; 1 something was; 2 the driver
cannot be loaded, or pins, so that the rules do not bind it.`;

/**
 * `pinless check-driver`.
 * @param finish told the exit status
 */
export function checkDriverCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('check-driver')
    .summary('try a driver, and say which rules it breaks')
    .argument('<driver>', 'a built-in driver, the path of a JavaScript or TypeScript module, or a package')
    .option('--programs <n>', 'random programs', '10000')
    .option('--storms <n>', 'storms', '200')
    .option('--storm <seed>', 'this storm and nothing else')
    .option('--json', 'the verdict for programs')
    .addHelpText('after', TEXT)
    .action(async (driver: string, typed: Typed) => {
      finish(await checkDriver(output, driver, typed));
    });
}

async function checkDriver(output: Output, driver: string, typed: Typed): Promise<number> {
  const { manifest } = await loadDriver('check-driver', driver);
  if (!manifest.onDemandPaging) {
    output.err(`pinless: driver "${manifest.name}" pins what it maps: the rules of mmu notifiers do not bind it\n`);
    return 2;
  }
  const suites = await run(output, tasksOf(driver, typed));
  const failures = suites.flatMap((suite) => suite.failures);
  output.out(typed.json === true ? json(manifest.name, driver, suites) : text(manifest.name, driver, suites));
  return failures.length === 0 ? 0 : 1;
}

function tasksOf(driver: string, typed: Typed): TrialTask[] {
  if (typed.storm !== undefined) {
    return [{ suite: 'storms', driver, from: parseInteger('--storm', typed.storm, 1, 1_000_000_000), count: 1 }];
  }
  const sizes: Readonly<Record<TrialTask['suite'], number>> = {
    operations: OPERATIONS,
    storms: parseInteger('--storms', typed.storms, 0, 1_000_000),
    programs: parseInteger('--programs', typed.programs, 0, 1_000_000),
  };
  return Object.entries(sizes).flatMap(([suite, size]) =>
    Array.from({ length: Math.ceil(size / BATCH) }, (_, i) => ({
      suite: suite as TrialTask['suite'],
      driver,
      // Storms are numbered by their seeds, from 1 on.
      from: i * BATCH + (suite === 'storms' ? 1 : 0),
      count: Math.min(BATCH, size - i * BATCH),
    })),
  );
}

async function run(output: Output, tasks: readonly TrialTask[]): Promise<Suite[]> {
  const progress = new Progress(output);
  const filename = new URL('./trial-worker.js', import.meta.url).href;
  const pool = new Tinypool({ filename, maxThreads: availableParallelism() });
  let done = 0;
  const results = await Promise.all(
    tasks.map(async (task) => {
      const failures = (await pool.run(task)) as TrialFailure[];
      progress.update('tried', ++done, tasks.length);
      return { task, failures };
    }),
  );
  progress.clear();
  await pool.destroy();
  return [...new Set(tasks.map(({ suite }) => suite))].map((name) => {
    const mine = results.filter(({ task }) => task.suite === name);
    const ran = mine.reduce((sum, { task }) => sum + task.count, 0);
    return { name, ran, failures: mine.flatMap(({ failures }) => failures) };
  });
}

/** The first failure of each rule, and the first that is no rule's. */
function firsts(suites: readonly Suite[]): Map<string | null, TrialFailure> {
  const found = new Map<string | null, TrialFailure>();
  for (const failure of suites.flatMap(({ failures }) => failures)) {
    if (!found.has(failure.rule)) found.set(failure.rule, failure);
  }
  return found;
}

/** How to see it again. */
function replayOf({ seed, program }: TrialFailure, driver: string): { command: string; program?: readonly string[] } {
  if (program === null) return { command: `pinless check-driver ${driver} --storm ${String(seed)}` };
  return { command: `pinless run program.txt --driver ${driver}`, program };
}

function json(name: string, driver: string, suites: readonly Suite[]): string {
  const found = firsts(suites);
  const rules = Object.fromEntries(
    RULES.map((rule) => {
      const failure = found.get(rule);
      if (failure === undefined) return [rule, { status: 'passed' }];
      return [rule, { status: 'failed', reason: failure.reason, replay: replayOf(failure, driver) }];
    }),
  );
  const other = [...found.values()].filter(({ rule }) => rule === null || !RULES.includes(rule as RuleId));
  const verdict = {
    driver: name,
    verdict: found.size === 0 ? 'passed' : 'failed',
    rules,
    suites: suites.map((suite) => ({ name: suite.name, ran: suite.ran, failed: suite.failures.length })),
    otherFailures: other.map((failure) => ({ reason: failure.reason, replay: replayOf(failure, driver) })),
  };
  return `${JSON.stringify(verdict, null, 2)}\n`;
}

function text(name: string, driver: string, suites: readonly Suite[]): string {
  const found = firsts(suites);
  const lines = suites.map((suite) => {
    const failed = suite.failures.length;
    return `${suite.name}: ${String(suite.ran)} ran, ${failed === 0 ? 'nothing found' : `${String(failed)} failed`}`;
  });
  for (const failure of found.values()) {
    const { command, program } = replayOf(failure, driver);
    const title = failure.rule === null ? 'Failed' : `${failure.rule}: ${SAYS[failure.rule as RuleId]}`;
    lines.push(
      '',
      title,
      `  ${failure.reason}`,
      `  again: ${command}`,
      ...(program ?? []).map((line) => `    ${line}`),
    );
  }
  const passed = RULES.filter((rule) => !found.has(rule));
  lines.push('', `rules that held: ${passed.join(' ')}`);
  lines.push(`driver "${name}": ${found.size === 0 ? 'passed' : 'FAILED'}`);
  return `${lines.join('\n')}\n`;
}
