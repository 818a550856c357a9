import { OPS } from './op-table.js';
import type { Op } from './parse-program.js';
import { ProgramError } from './program-error.js';

/** Ops on files: they also take the name of a file that no area shows, and `proc=other`. */
const FILE_OPS: ReadonlySet<string> = new Set([
  'fsync',
  'fdatasync',
  'syncfs',
  'fadvise_dontneed',
  'sync_file_range',
  'ftruncate',
  'fallocate',
  'pwrite',
  'pread',
  'odirect_write',
  'odirect_read',
  'reflink',
  'unlink',
  'close',
  'freeze',
]);

/** Arguments of which an op needs one. */
const ONE_OF: Readonly<Record<string, readonly string[]>> = {
  map: ['kind', 'file'],
  mmap_fixed: ['kind', 'file'],
  ftruncate: ['pages', 'bytes'],
  fallocate: ['first', 'off'],
  ...Object.fromEntries(
    ['cpu_write', 'cpu_read', 'move_pages', 'rdma_write', 'rdma_read'].map((op) => [op, ['page', 'first']]),
  ),
  ...Object.fromEntries(
    ['pwrite', 'pread', 'odirect_write', 'odirect_read'].map((op) => [op, ['page', 'first', 'off']]),
  ),
};

/** Arguments that belong together: the second is needed where the first is. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['first', 'pages'],
  ['off', 'len'],
];

/**
 * Checks what a line by itself does not tell: that names have been given before they are used, and that the process that
 * acts is there.
 * @throws ProgramError
 */
export function checkProgram(ops: readonly Op[]): void {
  const names = new Names();
  for (const op of ops) {
    checkForm(op);
    names.check(op);
  }
}

function checkForm(op: Op): void {
  const needed = ONE_OF[op.op] as readonly string[] | undefined;
  if (needed?.every((key) => !(key in op.written)) === true) {
    throw new ProgramError(op.line, op.column, `${op.op} needs ${needed.map((key) => `${key}=`).join(' or ')}`);
  }
  for (const [key, partner] of PAIRS) {
    if (key in op.written && partner in OPS[op.op] && !(partner in op.written)) {
      throw new ProgramError(op.line, op.columns[key], `${op.op} with ${key}= needs ${partner}=`);
    }
  }
}

/** What a program has named so far. */
class Names {
  private readonly areas = new Set<string>();
  /** Areas that `map` has made, not a move. */
  private readonly mapped = new Set<string>();
  private readonly files = new Set<string>();
  /** Areas that show a file of another name. */
  private readonly fileAreas = new Set<string>();
  private readonly mrs = new Set<string>();
  private readonly children = new Set<string>();
  private gone = false;
  private ended = false;

  check(op: Op): void {
    const { args } = op;
    if (this.ended || (this.gone && op.op !== 'after_exit')) {
      throw this.error(op, null, 'the process has gone, nothing can follow');
    }
    if (op.op === 'after_exit' && !this.gone) throw this.error(op, null, 'after_exit follows exit, exec or kill');
    this.checkProc(op);
    this.checkUse(op);
    this.give(op);
    if (args.to !== undefined) this.areas.add(String(args.to));
    if (op.op === 'dereg') this.mrs.delete(String(args.mr));
    if (op.op === 'exit' && args.proc !== undefined) this.children.delete(String(args.proc));
    this.gone = endsProcess(op) || op.op === 'after_exit';
    this.ended = op.op === 'after_exit';
  }

  /** The name that an op gives. */
  private give(op: Op): void {
    const { name, child, kind, file } = op.args;
    if (op.op === 'map') {
      this.add(op, 'name', 'a mapping', this.mapped);
      this.areas.add(String(name));
      if (file !== undefined) this.fileAreas.add(String(name));
      else if (kind !== 'anon') this.add(op, 'name', 'a file', this.files);
    }
    if (op.op === 'reflink') this.add(op, 'name', 'a file', this.files);
    if (op.op === 'mr') this.add(op, 'name', 'a memory region', this.mrs);
    if (op.op === 'fork') {
      if (child === 'other') throw this.error(op, 'child', '"other" is the process that maps nothing');
      this.add(op, 'child', 'a process', this.children);
    }
  }

  private add(op: Op, key: string, what: string, names: Set<string>): void {
    const name = String(op.args[key]);
    if (names.has(name)) throw this.error(op, key, `there is ${what} "${name}" already`);
    names.add(name);
  }

  private checkProc(op: Op): void {
    const { proc } = op.args;
    if (proc === undefined || (proc === 'other' && FILE_OPS.has(op.op))) return;
    if (!this.children.has(String(proc))) {
      throw this.error(op, 'proc', `there is no process "${String(proc)}"; alive are ${list(this.children)}`);
    }
  }

  private checkUse(op: Op): void {
    const { map, file, mr } = op.args;
    const wantsFile = FILE_OPS.has(op.op);
    const known = wantsFile ? new Set([...this.files, ...this.fileAreas]) : this.areas;
    if (map !== undefined && !known.has(String(map))) {
      const what = wantsFile ? 'file, and no area of one,' : 'area';
      throw this.error(op, 'map', `there is no ${what} "${String(map)}"; there are ${list(known)}`);
    }
    if (file !== undefined && !this.files.has(String(file))) {
      throw this.error(op, 'file', `there is no file "${String(file)}"; there are ${list(this.files)}`);
    }
    if (mr !== undefined && !this.mrs.has(String(mr))) {
      throw this.error(op, 'mr', `there is no memory region "${String(mr)}"; there are ${list(this.mrs)}`);
    }
  }

  private error(op: Op, key: string | null, reason: string): ProgramError {
    return new ProgramError(op.line, key === null ? op.column : op.columns[key], reason);
  }
}

/** Whether the main process is gone after an op. */
export function endsProcess({ op, args }: Op): boolean {
  return op === 'exec' || op === 'kill' || (op === 'exit' && args.proc === undefined);
}

function list(names: ReadonlySet<string>): string {
  return names.size === 0 ? 'none' : [...names].join(', ');
}
