import { Command } from 'commander';
import { messageOf } from '../engine/index.js';
import {
  SUITES,
  subjectOf,
  testAt,
  testsFor,
  verdictJson,
  verdictOf,
  verdictText,
  whyNot,
  type Selected,
  type Tried,
} from '../trial/index.js';
import { loadPlugin } from './load-drivers.js';
import type { Output } from './output.js';
import { parseInteger } from './parse-options.js';
import { Progress } from './progress.js';
import { tryInThreads } from './trial-threads.js';
import { UsageError } from './usage-error.js';

interface Typed {
  readonly json?: true;
  readonly programs: string;
  readonly storms: string;
  readonly only?: string;
  readonly timeout: string;
}

/** Threads get many times what a run takes on a machine that has other things to do. */
const TIMEOUT_SECONDS = '20';

const NAME_WIDTH = Math.max(...SUITES.map(({ name }) => name.length)) + 2;

const TEXT = `
A driver is held to the rules of docs/rules.md while it serves
${SUITES.map(({ name, title }) => `  ${name.padEnd(NAME_WIDTH)}${title}`).join('\n')}
What its manifest does not declare is not asked of it. Storms and programs are drawn, not all that there are: what is not
found may still be there. Exit status: 0 nothing was found; 1 something was; 2 the driver cannot be loaded.`;

/**
 * `pinless check-driver`.
 * @param finish told the exit status
 */
export function checkDriverCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('check-driver')
    .summary('try a driver, and say which rules and tests it fails')
    .argument('<driver>', 'a built-in driver, the path of a JavaScript or TypeScript module, or a package')
    .option('--only <test>', 'suite, suite.test, suite#seed or suite.test#seed, and nothing else')
    .option('--programs <n>', 'random programs', '10000')
    .option('--storms <n>', 'storms', '200')
    .option('--timeout <seconds>', 'after which a run that does not come back is given up', TIMEOUT_SECONDS)
    .option('--json', 'the verdict for programs')
    .addHelpText('after', TEXT)
    .action(async (driver: string, typed: Typed) => {
      finish(await checkDriver(output, driver, typed));
    });
}

async function checkDriver(output: Output, driver: string, typed: Typed): Promise<number> {
  const selected = select(typed);
  const timeout = parseInteger('--timeout', typed.timeout, 1, 3600);
  const subject = subjectOf(await loadPlugin('check-driver', driver));
  const progress = new Progress(output);
  const run = await tryInThreads(
    driver,
    selected.filter((test) => whyNot(testAt(test), subject) === null),
    {
      timeout,
      onProgress: (done, total) => {
        progress.update('tried', done, total);
      },
    },
  );
  progress.clear();
  const tried = selected.map((test) => run.find((one) => one.selected === test) ?? notRun(test));
  const verdict = verdictOf(subject, tried);
  output.out(typed.json === true ? verdictJson(verdict, driver) : verdictText(verdict, driver));
  return verdict.verdict === 'passed' ? 0 : 1;
}

function select({ only, storms, programs }: Typed): Selected[] {
  const runs = {
    storms: parseInteger('--storms', storms, 0, 1_000_000),
    programs: parseInteger('--programs', programs, 0, 1_000_000),
  };
  try {
    return testsFor(only === undefined ? { runs } : { only, runs });
  } catch (error) {
    throw new UsageError(`--only: ${messageOf(error)}`);
  }
}

function notRun(selected: Selected): Tried {
  return { selected, batches: [], lost: null, givenUp: false };
}
