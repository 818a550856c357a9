import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Tinypool } from 'tinypool';
import { messageOf } from '../engine/index.js';
import { KINDS, type FuzzResult } from '../lab/index.js';
import type { FuzzTask } from './fuzz-worker.js';
import type { Output } from './output.js';
import { parseChoice, parseInteger } from './parse-options.js';
import { Progress } from './progress.js';
import { UsageError } from './usage-error.js';

interface Typed {
  readonly kind: string;
  readonly seed: string;
  readonly count: string;
  readonly out?: string;
  readonly print?: true;
}

/** Programs that a thread gets at once. */
const BATCH = 50;

/** Seeds of one --seed: programs of neighbouring seeds differ. */
const SEEDS_APART = 1_000_000;

/**
 * `pinless fuzz`.
 * @param finish told the exit status
 */
export function fuzzCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('fuzz')
    .summary('write random programs and run them under the rules')
    .description(
      'Generates random valid programs of a kind, runs each and checks the rules after every step. One that breaks a rule, ' +
        'crashes or deadlocks the emulator is cut down to a few lines.',
    )
    .option('--kind <kind>', `kind of program: ${KINDS.map(({ name }) => name).join(', ')}, or all`, 'ext4')
    .option('--seed <n>', '0 to 99: other programs', '1')
    .option('--count <n>', 'number of programs of each kind', '100')
    .option('--out <folder>', 'write the programs as text, one file each')
    .option('--print', 'print the programs')
    .action(async (typed: Typed) => {
      finish(await fuzz(output, typed));
    });
}

async function fuzz(output: Output, typed: Typed): Promise<number> {
  const kinds = typed.kind === 'all' ? KINDS : typed.kind.split(',').map((name) => parseChoice('--kind', name, KINDS));
  const seed = parseInteger('--seed', typed.seed, 0, 99);
  const count = parseInteger('--count', typed.count, 1, SEEDS_APART);
  if (typed.out !== undefined) makeFolder(typed.out);
  const progress = new Progress(output);
  const pool = new Tinypool({
    filename: new URL('./fuzz-worker.js', import.meta.url).href,
    maxThreads: availableParallelism(),
  });
  let status = 0;
  for (const { name } of kinds) {
    const tasks: FuzzTask[] = [];
    for (let i = 0; i < count; i += BATCH) {
      tasks.push({ kind: name, from: seed * SEEDS_APART + i, count: Math.min(BATCH, count - i) });
    }
    let done = 0;
    const batches = await Promise.all(
      tasks.map(async (task) => {
        const results = (await pool.run(task)) as FuzzResult[];
        progress.update(name, (done += task.count), count);
        return results;
      }),
    );
    progress.clear();
    const results = batches.flat();
    for (const result of results) show(output, name, result, typed);
    output.out(`${summary(name, results)}\n`);
    if (results.some(({ failure }) => failure !== null)) status = 1;
  }
  await pool.destroy();
  return status;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`--out: ${messageOf(error)}`);
  }
}

function show(output: Output, kind: string, { seed, program, failure }: FuzzResult, typed: Typed): void {
  const text = `${program.join('\n')}\n`;
  if (typed.out !== undefined) writeFileSync(join(typed.out, `${String(seed)}-${kind}.txt`), text);
  if (typed.print === true) output.out(`# ${kind}, program ${String(seed)}\n${text}\n`);
  if (failure === null) return;
  output.out(`# ${kind}, program ${String(seed)}, cut down: ${failure.reason}\n${failure.program.join('\n')}\n\n`);
}

function summary(kind: string, results: readonly FuzzResult[]): string {
  const failed = results.filter(({ failure }) => failure !== null).length;
  const partly = results.filter(({ notModelled }) => notModelled !== null).length;
  const unknown = partly === 0 ? '' : `, ${String(partly)} run up to what is not modelled`;
  return `${kind}: ${String(results.length)} programs, ${String(failed)} failed${unknown}`;
}
