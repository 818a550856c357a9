import { PAGE_SIZE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { readFromPageCache } from './buffered-read.js';
import type { Inode } from './inode.js';

/** O_DIRECT read(2) that is a read(2) like any other, into frames of memory, a page each. @returns bytes read */
export function* bufferedDirectRead(inode: Inode, offset: number, frames: ArrayLike<number>): Task<number> {
  const { memory } = inode.fs.system;
  const data = new Uint8Array(frames.length * PAGE_SIZE);
  const done = yield* readFromPageCache(inode, offset, data);
  for (let i = 0; i < frames.length; i++) {
    memory.contents.write(frames[i], 0, PAGE_SIZE, memory.nextStamp(), data, i * PAGE_SIZE);
  }
  return done;
}

/** What frames of memory hold: the data of an O_DIRECT write(2) that is written like any other. */
export function dataOf(inode: Inode, frames: ArrayLike<number>): Uint8Array {
  const { contents } = inode.fs.system.memory;
  const data = new Uint8Array(frames.length * PAGE_SIZE);
  for (let i = 0; i < frames.length; i++) contents.read(frames[i], 0, data, i * PAGE_SIZE, PAGE_SIZE);
  return data;
}
