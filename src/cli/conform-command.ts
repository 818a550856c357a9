import { Command } from 'commander';
import { LEVELS, conform, conformJson, conformText, conforms, type Level } from '../lab/index.js';
import { messageOf } from '../engine/index.js';
import type { Output } from './output.js';
import { parseChoice, parseInteger } from './parse-options.js';
import { Progress } from './progress.js';
import { UsageError } from './usage-error.js';

interface Typed {
  readonly level?: string;
  readonly kind?: string;
  readonly limit?: string;
  readonly show: string;
  readonly json?: true;
}

/**
 * `pinless conform`.
 * @param finish told the exit status
 */
export function conformCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('conform')
    .summary('run recorded programs and compare with what Linux did')
    .description('Runs programs that were recorded on a real kernel, and compares step by step.')
    .argument('<path...>', 'recordings: folders, .json files, or bundles (.jsonl), plain, .gz or .br')
    .option('--level <level>', `level that decides: ${LEVELS.join(', ')}; default L4, which includes L1 to L3`)
    .option('--kind <kinds>', 'only programs of these kinds, with commas: ext4, anonbig, hand')
    .option('--limit <n>', 'only the first n files')
    .option('--show <n>', 'show so many failures', '20')
    .option('--json', 'the result as JSON')
    .action(async (paths: string[], typed: Typed) => {
      finish(await runConform(output, paths, typed));
    });
}

async function runConform(output: Output, paths: readonly string[], typed: Typed): Promise<number> {
  const choices = LEVELS.map((name) => ({ name }));
  const level: Level | undefined =
    typed.level === undefined ? undefined : parseChoice('--level', typed.level, choices).name;
  const progress = new Progress(output);
  const show = parseInteger('--show', typed.show, 0, 1_000_000);
  let comparisons;
  try {
    comparisons = await conform({
      paths,
      ...(typed.kind === undefined ? {} : { kinds: typed.kind.split(',') }),
      ...(typed.limit === undefined ? {} : { limit: parseInteger('--limit', typed.limit, 1, 1_000_000) }),
      onProgress: (done, total) => {
        progress.update('programs', done, total);
      },
    });
  } catch (error) {
    throw new UsageError(messageOf(error));
  } finally {
    progress.clear();
  }
  output.out(
    typed.json === true
      ? `${JSON.stringify(conformJson(comparisons, level), null, 2)}\n`
      : conformText(comparisons, level, show),
  );
  return conforms(comparisons, level ?? 'L4') ? 0 : 1;
}
