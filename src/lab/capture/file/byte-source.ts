import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { CaptureError } from './capture-error.js';

/** More than any record that is accepted, so that a whole one fits; small against any capture worth streaming. */
export const WINDOW_BYTES = 1 << 20;

/**
 * A window that slides over a regular file, read synchronously and in order.
 *
 * `bytes[position, limit)` is what has been read and not consumed. {@link ensure} may move it to the front of the window,
 * so a view into `bytes` lives until the next call. Offsets are numbers: exact up to 2^53, far beyond any file.
 */
export class ByteSource {
  readonly path: string;
  readonly size: number;
  readonly bytes = new Uint8Array(WINDOW_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  position = 0;
  limit = 0;
  private base = 0;
  private readonly fd: number;

  /** @throws CaptureError when `path` is missing, unreadable, empty, a directory or anything else but a regular file. */
  constructor(path: string) {
    this.path = path;
    requireRegularFile(
      path,
      attempt(path, 'open', () => statSync(path)),
    );
    this.fd = attempt(path, 'open', () => openSync(path, 'r'));
    this.size = attempt(path, 'stat', () => fstatSync(this.fd)).size;
    if (this.size === 0) {
      this.close();
      throw new CaptureError(path, 'the file is empty');
    }
  }

  /** File offset of the next byte. */
  get offset(): number {
    return this.base + this.position;
  }

  /** Bytes between the next one and the end of the file, as long as it was when it was opened. */
  get remaining(): number {
    return this.size - this.offset;
  }

  /** Makes the next `count` bytes available at `bytes[position…]`; false when the file ends before. */
  ensure(count: number): boolean {
    if (this.limit - this.position >= count) return true;
    if (count > WINDOW_BYTES || count > this.remaining) return false;
    this.bytes.copyWithin(0, this.position, this.limit);
    this.base += this.position;
    this.limit -= this.position;
    this.position = 0;
    while (this.limit < count) {
      const room = WINDOW_BYTES - this.limit;
      const at = this.base + this.limit;
      const got = attempt(this.path, 'read', () => readSync(this.fd, this.bytes, this.limit, room, at));
      if (got === 0) return false;
      this.limit += got;
    }
    return true;
  }

  /** Moves `count` bytes on without reading what does not have to be read. */
  skip(count: number): void {
    if (count <= this.limit - this.position) {
      this.position += count;
    } else {
      this.base = this.offset + count;
      this.position = 0;
      this.limit = 0;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

const ERRNO_TEXT: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'no such file (ENOENT)'],
  ['ENOTDIR', 'a part of the path is not a directory (ENOTDIR)'],
  ['EACCES', 'permission denied (EACCES)'],
  ['EIO', 'input/output error (EIO)'],
]);

function attempt<T>(path: string, what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new CaptureError(path, `cannot ${what} the file: ${ERRNO_TEXT.get(code) ?? code}`);
  }
}

function requireRegularFile(path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const kind = stats.isDirectory()
    ? 'a directory'
    : stats.isFIFO()
      ? 'a FIFO'
      : stats.isSocket()
        ? 'a socket'
        : 'a device';
  throw new CaptureError(path, `must be a regular file, because it is read more than once: this is ${kind}`);
}
