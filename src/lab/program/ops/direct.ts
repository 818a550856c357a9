import { PAGE_SIZE } from '../../../base/index.js';
import { allocateBuffer, directIoWithMemory, directRead, directWrite, freeBuffer } from '../../../fs/index.js';
import type { Task } from '../../../engine/index.js';
import { addressIn } from '../areas.js';
import { newBuffer } from '../buffer.js';
import { DONE, type OpHandlers, type OpHandler } from '../op-handler.js';
import type { StepResult } from '../recorded.js';
import { NotModelled } from '../program-error.js';
import { bytesOf, readResult, type ByteArguments } from './files.js';

/** O_DIRECT I/O of files, and of a scratch file with mappings as the buffer. */
export const directOps = {
  *odirect_write(world, args) {
    const { inode } = world.file(args.map);
    const { offset, length } = wholePages(args);
    const { contents } = world.system.memory;
    const frames = yield* allocateBuffer(inode, length);
    const data = new Uint8Array(PAGE_SIZE).fill(args.value);
    for (const frame of frames) contents.write(frame, 0, PAGE_SIZE, world.system.memory.nextStamp(), data, 0);
    try {
      const written = yield* directWrite(inode, offset, frames);
      return written < length ? { ret: written } : DONE;
    } finally {
      freeBuffer(inode, frames);
    }
  },

  *odirect_read(world, args) {
    const { inode } = world.file(args.map);
    const { offset, length } = wholePages(args);
    const { contents } = world.system.memory;
    const data = newBuffer(length);
    const frames = yield* allocateBuffer(inode, length);
    try {
      const done = yield* directRead(inode, offset, frames);
      frames.forEach((frame, i) => {
        contents.read(frame, 0, data, i * PAGE_SIZE, PAGE_SIZE);
      });
      return readResult(data, done);
    } finally {
      freeBuffer(inode, frames);
    }
  },

  *odirect_read_into(world, args) {
    return yield* withMemory(world, args, 'read');
  },

  *odirect_write_from(world, args) {
    return yield* withMemory(world, args, 'write');
  },
} satisfies OpHandlers;

/** @throws NotModelled for part of a page */
function wholePages(args: ByteArguments): ReturnType<typeof bytesOf> {
  const { offset, length } = bytesOf(args);
  if (offset % PAGE_SIZE !== 0 || length % PAGE_SIZE !== 0) {
    throw new NotModelled('O_DIRECT of part of a page is not modelled');
  }
  return { offset, length };
}

function* withMemory(
  world: Parameters<OpHandler<'odirect_read_into'>>[0],
  args: Parameters<OpHandler<'odirect_read_into'>>[1],
  direction: 'read' | 'write',
): Task<StepResult> {
  const scratch = yield* world.scratchFile();
  const address = addressIn(world.areas.get(args.map), args.first);
  const length = args.pages * PAGE_SIZE;
  const done = yield* directIoWithMemory(scratch, 0, direction, world.mmOf(args.proc), address, length);
  return done < length ? { ret: done } : DONE;
}
