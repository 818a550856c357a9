import { Command } from 'commander';
import { SECTIONS, devicePage, findOperations, operationJson, operationText } from '../lab/index.js';
import type { Output } from './output.js';
import { UsageError } from './usage-error.js';

interface Typed {
  readonly json?: true;
  readonly markdown?: true;
}

/**
 * `pinless explain`.
 * @param finish told the exit status
 */
export function explainCommand(output: Output, finish: (status: number) => void): Command {
  return new Command('explain')
    .summary('say what an operation does to a device, with a program that shows it')
    .description(
      'Shows operations whose lines, titles or sentences have all of the words: a program to type, its events, what to know.',
    )
    .argument('[word...]', 'such as mprotect, fork, "large folio", btrfs; none: all operations')
    .option('--json', 'as JSON, with the events in the form of the recordings of real kernels')
    .option('--markdown', 'the whole page of documentation')
    .action((words: string[], typed: Typed) => {
      finish(explain(output, words, typed));
    });
}

function explain(output: Output, words: readonly string[], typed: Typed): number {
  if (typed.markdown === true) {
    if (words.length > 0) throw new UsageError('--markdown is the whole page, it takes no words');
    output.out(devicePage());
    return 0;
  }
  const found = findOperations(words);
  if (found.length === 0) {
    output.err(nothingFound(words));
    return 1;
  }
  output.out(
    typed.json === true
      ? `${JSON.stringify(found.map(operationJson), null, 2)}\n`
      : `${found.map(operationText).join('\n\n\n')}\n`,
  );
  return 0;
}

function nothingFound(words: readonly string[]): string {
  const unknown = words.filter((word) => findOperations([word]).length === 0);
  const quote = (list: readonly string[]): string => list.map((word) => `"${word}"`).join(', ');
  const what =
    unknown.length === 0 ? `no operation has all of ${quote(words)}` : `no operation has ${quote(unknown)} in it`;
  return [`pinless: ${what}; the sections are`, ...SECTIONS.map(({ title }) => `  ${title}`), ''].join('\n');
}
