import type { ArgumentTable, RawValue } from './arguments.js';
import { checkProgram } from './check-program.js';
import { OPS, type OpName } from './op-table.js';
import { ProgramError } from './program-error.js';

/** One line of a program. */
export interface Op {
  readonly op: OpName;
  /** What was written, in the order in which it was written. */
  readonly written: Readonly<Record<string, RawValue>>;
  /** The same and the defaults of what was not: an ArgsOf of the op. */
  readonly args: Readonly<Record<string, RawValue | undefined>>;
  /** Where it is in the text: its line and column, and the columns of the values by argument; all from 1. */
  readonly line: number;
  readonly column: number;
  readonly columns: Readonly<Record<string, number>>;
}

/**
 * Reads a program: one op per line, `op key=value …`. Empty lines and what follows a # are passed over.
 * @throws ProgramError
 */
export function parseProgram(text: string): Op[] {
  const ops: Op[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const op = parseLine(line, index + 1);
    if (op !== null) ops.push(op);
  });
  checkProgram(ops);
  return ops;
}

/** The line as it would be written: numbers in decimal, what is stored in hexadecimal. */
export function printOp(op: Op): string {
  const words = Object.entries(op.written).map(([key, value]) => `${key}=${printValue(key, value)}`);
  return [op.op, ...words].join(' ');
}

const HEX_KEYS: ReadonlySet<string> = new Set(['value', 'swap', 'lkey']);

function printValue(key: string, value: RawValue): string {
  if (typeof value === 'number') return HEX_KEYS.has(key) ? `0x${value.toString(16)}` : String(value);
  return typeof value === 'string' ? value : value.join(',');
}

/** @returns null for a line without an op */
export function parseLine(text: string, line: number): Op | null {
  const words = [...text.replace(/#.*/, '').matchAll(/\S+/g)];
  if (words.length === 0) return null;
  const [first, ...rest] = words;
  const op = first[0];
  const column = first.index + 1;
  if (!isOp(op)) {
    throw new ProgramError(line, column, `there is no op "${op}"; the ops are ${Object.keys(OPS).join(', ')}`);
  }
  const table: ArgumentTable = OPS[op];
  const written: Record<string, RawValue> = {};
  const columns: Record<string, number> = {};
  for (const word of rest) {
    const [key, value] = parseWord(op, table, word[0], line, word.index + 1);
    if (key in written) throw new ProgramError(line, word.index + 1, `${op} has "${key}" twice`);
    written[key] = value;
    columns[key] = word.index + key.length + 2;
  }
  const args: Record<string, RawValue | undefined> = {};
  for (const [key, argument] of Object.entries(table)) {
    if (!(key in written) && argument.required) {
      throw new ProgramError(line, column, `${op} needs ${key}=, ${argument.takes}`);
    }
    args[key] = written[key] ?? argument.fallback;
  }
  return { op, written, args, line, column, columns };
}

function isOp(word: string): word is OpName {
  return Object.hasOwn(OPS, word);
}

function parseWord(
  op: OpName,
  table: ArgumentTable,
  word: string,
  line: number,
  column: number,
): readonly [key: string, value: RawValue] {
  const match = /^(\w+)=(.*)$/.exec(word);
  if (match === null) throw new ProgramError(line, column, `"${word}" is not of the form key=value`);
  const [, key, text] = match;
  if (!Object.hasOwn(table, key)) {
    const known = Object.keys(table).join(', ');
    const takes = known === '' ? 'it takes no arguments' : `it takes ${known}`;
    throw new ProgramError(line, column, `${op} has no argument "${key}"; ${takes}`);
  }
  const argument = table[key];
  const value = argument.parse(text);
  if (value === undefined) {
    throw new ProgramError(line, column + key.length + 1, `${key}= takes ${argument.takes}, not "${text}"`);
  }
  return [key, value];
}
