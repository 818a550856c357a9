import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
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

/** A text file that appears under its name only when it is complete. */
export class WholeFile {
  private readonly fd: number;
  private readonly partial: string;
  private buffer: string[] = [];
  private buffered = 0;

  /** @throws UsageError if it cannot be created */
  constructor(
    option: string,
    private readonly path: string,
  ) {
    this.partial = `${path}.partial`;
    try {
      this.fd = openSync(this.partial, 'w');
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
    renameSync(this.partial, this.path);
  }

  /** The file is not wanted. */
  discard(): void {
    closeSync(this.fd);
    rmSync(this.partial, { force: true });
  }

  private flush(): void {
    writeSync(this.fd, this.buffer.join(''));
    this.buffer = [];
    this.buffered = 0;
  }
}
