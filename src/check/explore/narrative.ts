import { formatNs } from '../../engine/index.js';
import type { ToldStep } from './narrator.js';
import type { ProcessTable } from './processes.js';

/** Characters of a column. */
const WIDTH = 48;

/**
 * A schedule in two columns, as races are told on mailing lists: one family of processes on the left, all others on the
 * right, a line a thing done.
 *
 * @param isLeft whether a process belongs on the left
 */
export function narrate(
  told: readonly ToldStep[],
  processes: ProcessTable,
  isLeft: (process: number) => boolean,
  failure: string,
): string {
  const rows: string[] = [];
  let last = -1;
  let time = 0;
  told.forEach((step, index) => {
    const left = isLeft(step.process);
    if (step.process !== last) {
      if (index > 0) rows.push(row('', '', ''));
      rows.push(row(String(index + 1), ...sides(left, `${processes.names[step.process]}:`)));
      last = step.process;
    }
    if (step.time !== time) {
      time = step.time;
      rows.push(row('', ...sides(left, `  (at ${formatNs(time)})`)));
    }
    for (const line of step.lines) {
      for (const [place, part] of wrapped(line, WIDTH - 4).entries()) {
        rows.push(row('', ...sides(left, `${place === 0 ? '  ' : '    '}${part}`)));
      }
    }
  });
  return [...rows.map((text) => text.trimEnd()), '', failure].join('\n');
}

function sides(left: boolean, text: string): [left: string, right: string] {
  return left ? [text, ''] : ['', text];
}

function row(number: string, left: string, right: string): string {
  return `${number.padStart(4)}  ${left.padEnd(WIDTH)}${right === '' ? '' : `| ${right}`}`;
}

/** A text in lines of a length, broken between words. */
function wrapped(text: string, length: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > length) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
