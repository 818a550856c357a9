import { Command } from 'commander';
import { messageOf } from '../engine/index.js';
import { packRecordings } from '../lab/index.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

/**
 * `pinless pack`.
 * @param finish told the exit status
 */
export function packCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('pack')
    .summary('pack recorded programs into compressed bundles')
    .description('Packs recordings of a real kernel into one compressed bundle per kind, for `pinless conform`.')
    .argument('<path...>', 'recordings: folders, .json files, or bundles')
    .requiredOption('--out <folder>', 'where the bundles go')
    .action((paths: string[], typed: { readonly out: string }) => {
      try {
        for (const { file, recordings, bytes } of packRecordings(paths, typed.out)) {
          output.out(`${file}: ${String(recordings)} recordings, ${String(bytes)} bytes\n`);
        }
      } catch (error) {
        throw new UsageError(messageOf(error));
      }
      finish(0);
    });
}
