import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Command } from 'commander';
import { messageOf } from '../engine/index.js';
import {
  parseProgram,
  printOp,
  printStep,
  recordRun,
  runProgram,
  withImplicitExit,
  type Op,
  type ProgramRun,
} from '../lab/index.js';
import { underTheRules } from '../trial/index.js';
import { loadDriver } from './load-drivers.js';
import { pluggedIn, type DriverPlugin } from '../../devices/contract/index.js';
import { DriverError } from '../../notifiers/index.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

interface Typed {
  readonly json?: true;
  readonly driver?: string;
}

const EXAMPLES = `
Example: what does mremap do to a device?
  printf '%s\\n' 'map name=m kind=anon share=private prot=rw pages=16' 'cpu_write map=m first=0 pages=16 value=1' \\
    'mr name=r map=m first=0 pages=16' 'mremap map=m first=0 pages=4 new_pages=4 to=d' | pinless run -

docs/programs.md has all ops. Exit status: 0 it ran to its end; 1 something in it is not modelled; 2 it cannot be read.`;

/**
 * `pinless run`.
 * @param finish told the exit status
 */
export function runCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('run')
    .summary('run a program of memory, file and RDMA operations and show what Linux would do')
    .description('Runs a program in the op language on a machine of its own, and prints each step: events and result.')
    .argument('<program>', 'text, one op per line; - is standard input')
    .option('--json', 'in the form of the recordings of real kernels')
    .option(
      '--driver <name>',
      'on a NIC with this driver, under the rules: a built-in one, a path or a package; without, Soft-RoCE',
    )
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, typed: Typed) => {
      finish(await runFile(output, path, typed));
    });
}

async function runFile(output: Output, path: string, typed: Typed): Promise<number> {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read "${path}": ${messageOf(error)}`);
  }
  const ops = withImplicitExit(parseProgram(text));
  const plugin = typed.driver === undefined ? undefined : await loadDriver('--driver', typed.driver);
  const run = plugin === undefined ? runProgram(ops) : runOn(plugin, ops);
  if (typed.json === true) {
    output.out(`${JSON.stringify(recordRun(basename(path).replace(/\.\w+$/, ''), ops, run), null, 1)}\n`);
  } else {
    for (const [i, step] of run.steps.entries()) output.out(`${printStep(printOp(ops[i]), step, run.areas.at(0))}\n`);
  }
  if (run.stopped === null) return 0;
  const { step, reason } = run.stopped;
  const op = ops.at(step);
  const where =
    op === undefined
      ? 'while looking at what files hold in the end'
      : `line ${String(op.line)}, column ${String(op.column)}: the program stopped at "${printOp(op)}"`;
  output.err(`pinless: ${where}: ${reason}\n`);
  return 1;
}

/** On a NIC with a driver, or a device, under the rules that bind it. @throws DriverError if there is none to be had */
function runOn(plugin: DriverPlugin, ops: readonly Op[]): ProgramRun {
  const tried = pluggedIn(plugin);
  try {
    return runProgram(ops, { tried, watch: underTheRules({ pins: !plugin.manifest.onDemandPaging }) });
  } catch (error) {
    throw new DriverError(plugin.manifest.name, 'create', tried.kind === 'nic-driver' ? 'nic' : 'device', error);
  }
}
