import { PAGE_SIZE } from '../../../base/index.js';
import { fallocate, readFromPageCache, reflink, truncate, writeToPageCache } from '../../../fs/index.js';
import { newBuffer } from '../buffer.js';
import { DONE, type OpHandlers } from '../op-handler.js';
import { listed } from '../pages-of.js';

export interface ByteArguments {
  readonly page: number | undefined;
  readonly first: number | undefined;
  readonly pages: number | undefined;
  readonly off: number | undefined;
  readonly len: number | undefined;
}

/** The bytes of a file that an op names: a page, a run of pages, or off= and len=. */
export function bytesOf({ page, first, pages, off, len }: ByteArguments): {
  readonly offset: number;
  readonly length: number;
} {
  if (off !== undefined) return { offset: off, length: len ?? PAGE_SIZE };
  if (page !== undefined) return { offset: page * PAGE_SIZE, length: len ?? (pages ?? 1) * PAGE_SIZE };
  return { offset: (first ?? 0) * PAGE_SIZE, length: len ?? (pages ?? 1) * PAGE_SIZE };
}

/** What a read of whole pages returned: the first byte of each, null behind the end of the file. */
export function readResult(data: Uint8Array, length: number): Readonly<Record<string, unknown>> {
  const values: (number | null)[] = [];
  for (let at = 0; at < data.length; at += PAGE_SIZE) values.push(at < length ? data[at] : null);
  const short = length < data.length ? { ret: length } : {};
  return values.length === 1 && values[0] === null ? short : { ...listed('value', 'values', values), ...short };
}

/** What system calls do to the contents and sizes of files. */
export const fileOps = {
  *pwrite(world, args) {
    const { inode } = world.file(args.map);
    const { offset, length } = bytesOf(args);
    const written = yield* writeToPageCache(inode, offset, length, newBuffer(length, args.value));
    return written < length ? { ret: written } : DONE;
  },

  *pread(world, args) {
    const { inode } = world.file(args.map);
    const { offset, length } = bytesOf(args);
    const data = newBuffer(length);
    return readResult(data, yield* readFromPageCache(inode, offset, data));
  },

  *ftruncate(world, args) {
    yield* truncate(world.file(args.map).inode, args.bytes ?? (args.pages ?? 0) * PAGE_SIZE);
    return DONE;
  },
  *fallocate(world, args) {
    const { offset, length } = bytesOf({ ...args, page: undefined });
    yield* fallocate(world.file(args.map).inode, args.mode, offset, length);
    return DONE;
  },

  *reflink(world, args) {
    const { kind, inode } = world.file(args.map);
    world.files.set(args.name, { name: args.name, kind, inode: yield* reflink(inode, args.name) });
    return DONE;
  },

  *unlink() {
    return DONE;
  },

  *close() {
    return DONE;
  },
} satisfies OpHandlers;
