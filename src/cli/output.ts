import {
  accessSync,
  closeSync,
  constants,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { messageOf } from '../engine/index.js';
import { UsageError } from './usage-error.js';

/** Where a command writes: so that tests can read it. */
export interface Output {
  out(text: string): void;
  err(text: string): void;
  /** True if a line of progress on stderr would be seen and can be overwritten. */
  readonly showsProgress: boolean;
}

const BUFFER_CHARS = 1 << 16;

/**
 * A text file that appears under its name only when it is complete. What is no regular file, a pipe or a device, is written
 * to as it is.
 */
export class WholeFile {
  private readonly fd: number;
  /** Where it is written until it is complete; null if that is the name itself. */
  private readonly partial: string | null;
  private buffer: string[] = [];
  private buffered = 0;

  /**
   * @param input a file that must not be overwritten
   * @throws UsageError if it cannot be written
   */
  constructor(
    option: string,
    private readonly path: string,
    input: string,
  ) {
    try {
      const there = statSync(path, { throwIfNoEntry: false });
      if (there !== undefined) refuseToReplace(there, path, input);
      this.partial = there === undefined || there.isFile() ? `${path}.partial` : null;
      this.fd = openSync(this.partial ?? path, 'w');
    } catch (error) {
      throw new UsageError(`${option}: cannot write "${path}": ${messageOf(error)}`);
    }
  }

  write(text: string): void {
    this.buffer.push(text);
    this.buffered += text.length;
    if (this.buffered >= BUFFER_CHARS) this.flush();
  }

  /** The file is complete. */
  commit(): void {
    this.flush();
    closeSync(this.fd);
    if (this.partial !== null) renameSync(this.partial, this.path);
  }

  /** The file is not wanted. */
  discard(): void {
    closeSync(this.fd);
    if (this.partial !== null) rmSync(this.partial, { force: true });
  }

  private flush(): void {
    const text = this.buffer.join('');
    this.buffer = [];
    this.buffered = 0;
    try {
      writeSync(this.fd, text);
    } catch (error) {
      throw new UsageError(`cannot write "${this.path}": ${messageOf(error)}`);
    }
  }
}

function refuseToReplace(there: Stats, path: string, input: string): void {
  if (there.isDirectory()) throw new Error('it is a directory');
  const read = statSync(input, { throwIfNoEntry: false });
  if (read?.dev === there.dev && read.ino === there.ino) throw new Error('it is the capture');
  accessSync(path, constants.W_OK);
}
