import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { OPS, type OpName } from '../../../src/lab/program/op-table.js';
import { parseLine, parseProgram, printOp, ProgramError } from '../../../src/lab/program/index.js';

function refusal(text: string): string {
  try {
    parseProgram(text);
  } catch (error) {
    if (error instanceof ProgramError) return error.message;
    throw error;
  }
  return 'accepted';
}

const MAP = 'map name=m kind=anon share=private prot=rw pages=16';
const MR = 'mr name=r map=m first=0 pages=16';

describe('a program', () => {
  it('is one op per line, with comments and empty lines', () => {
    const ops = parseProgram(`# a page\n${MAP}\n\n  cpu_write map=m page=1,2 value=0x31 # two stores\n`);
    expect(ops.map(({ op, line }) => [op, line])).toEqual([
      ['map', 2],
      ['cpu_write', 4],
    ]);
    expect(ops[1].written).toEqual({ map: 'm', page: [1, 2], value: 0x31 });
    expect(ops[1].args).toMatchObject({ map: 'm', page: [1, 2], value: 0x31, stride: 1, offset: 0 });
  });

  it.each([
    ['mapp name=m', 'line 1, column 1: there is no op "mapp"'],
    [`${MAP}\n munmap map=m first=0`, 'line 2, column 2: munmap needs pages=, a whole number'],
    [`${MAP} page=3`, 'line 1, column 53: map has no argument "page"; it takes name, kind,'],
    [MAP.replace('anon', 'ext5'), 'line 1, column 17: kind= takes one of anon, shmem, tmpfs, ext4'],
    [MAP.replace('16', '-1'), 'line 1, column 50: pages= takes a whole number up to 8388608, decimal or 0x, not "-1"'],
    [MAP.replace('16', '8388609'), 'line 1, column 50: pages= takes a whole number up to 8388608'],
    [`${MAP}\ncpu_read map=m page=1,8388609`, 'line 2, column 21: page= takes a page up to 8388608, or several'],
    [
      `${MAP}\ncpu_read map=m first=0 pages=4 stride=0`,
      'line 2, column 39: stride= takes a whole number from 1, decimal or 0x, not "0"',
    ],
    [`${MAP}\n${MAP}`, 'line 2, column 10: there is a mapping "m" already'],
    [`${MAP}\n${MR}\n${MR}`, 'line 3, column 9: there is a memory region "r" already'],
    [`${MAP}\n${MR}\ndereg mr=r\nrdma_read mr=r page=1`, 'line 4, column 14: there is no memory region "r"'],
    [`${MAP.replace('anon', 'xfs')}\nreflink map=m name=m`, 'line 2, column 20: there is a file "m" already'],
    ['fork child=other', 'line 1, column 12: "other" is the process that maps nothing'],
    ['sync\nafter_exit', 'line 2, column 1: after_exit follows exit, exec or kill'],
    ['exit\nafter_exit\nsync', 'line 3, column 1: the process has gone'],
    [`${MAP} pages=3`, 'line 1, column 53: map has "pages" twice'],
    [`${MAP}\ncpu_write map=m page=1 value=256`, 'line 2, column 30: value= takes the value of a byte'],
    [`${MAP}\ncpu_write map=m value=1`, 'line 2, column 1: cpu_write needs page= or first='],
    [`${MAP}\ncpu_read map=m first=1`, 'line 2, column 22: cpu_read with first= needs pages='],
    [`${MAP}\ncpu_read map=n page=1`, 'line 2, column 14: there is no area "n"; there are m'],
    [`${MAP}\nfsync map=m`, 'line 2, column 11: there is no file, and no area of one, "m"; there are none'],
    [`${MAP}\nrdma_read mr=r page=1`, 'line 2, column 14: there is no memory region "r"; there are none'],
    [`${MAP}\ncpu_read proc=c map=m page=1`, 'line 2, column 15: there is no process "c"; alive are none'],
    [`fork child=c\nfork child=c`, 'line 2, column 12: there is a process "c" already'],
    [`kill\nsync`, 'line 2, column 1: the process has gone'],
    ['map m', 'line 1, column 5: "m" is not of the form key=value'],
  ])('%j is refused: where, why, and what would do', (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  it('printed and parsed again is the same, whatever it is', () => {
    fc.assert(
      fc.property(anyLine(), (line) => {
        const op = parseLine(line, 1);
        if (op === null) throw new Error(`"${line}" is no op`);
        const again = parseLine(printOp(op), 1);
        expect([again?.op, again?.written, again?.args]).toEqual([op.op, op.written, op.args]);
        expect(Object.keys(again?.written ?? {})).toEqual(Object.keys(op.written));
      }),
    );
  });
});

describe('docs/programs.md', () => {
  it('has every op and every argument', () => {
    const text = readFileSync(new URL('../../../docs/programs.md', import.meta.url), 'utf8');
    const words = new Set(text.match(/\w+/g));
    const missing = Object.entries(OPS).flatMap(([op, table]) =>
      [op, ...Object.keys(table)].filter((w) => !words.has(w)),
    );
    expect(missing).toEqual([]);
  });
});

/** A line with any op and any of its arguments, each with a value that it takes. */
function anyLine(): fc.Arbitrary<string> {
  return fc.constantFrom(...(Object.keys(OPS) as OpName[])).chain((op) => {
    const table = Object.entries(OPS[op]);
    const words = table.map(([key, argument]) => {
      const texts = [...argument.takes.split(/[ ,]+/), '0', '3', '0x1f', '255', '1,4,5', 'lw,rw', 'missing,wp'];
      const taken = texts.filter((text) => argument.parse(text) !== undefined);
      const word = fc.constantFrom(...taken).map((text) => `${key}=${text}`);
      return argument.required ? word : fc.option(word, { nil: '' });
    });
    return fc
      .tuple(...words)
      .chain((list) =>
        fc.shuffledSubarray(list, { minLength: list.length }).map((shuffled) => [op, ...shuffled].join(' ')),
      );
  });
}
