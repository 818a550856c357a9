import { Errno } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FileSystem } from './file-system.js';
import type { Inode } from './inode.js';
import { waitForWriteback, writeInode } from './writeback.js';

/** sync_filesystem: writes every dirty file, oldest first, waits for all of it, and makes metadata durable. */
export function* syncFilesystem(fs: FileSystem): Task {
  const dirty = dirtyInodes(fs);
  for (const inode of dirty) yield* writeInode(inode, 'sync');
  for (const inode of dirty) yield* waitForWriteback(inode);
  yield* fs.commit();
}

/** syncfs(2). @throws Errno EIO if data of any file were lost since the last one */
export function* syncfs(fs: FileSystem): Task {
  yield* syncFilesystem(fs);
  const lost = fs.inodes.filter(({ mapping }) => mapping.checkAndAdvanceSuperErr());
  if (lost.length > 0) throw new Errno('EIO', `data of ${lost[0].name} were lost`);
}

/** Background writeback of everything, whatever its age, and its completion. */
export function* writebackFilesystem(fs: FileSystem): Task {
  const dirty = dirtyInodes(fs);
  for (const inode of dirty) yield* writeInode(inode, 'background');
  for (const inode of dirty) yield* waitForWriteback(inode);
}

function dirtyInodes(fs: FileSystem): Inode[] {
  return fs.inodes.filter(({ dirtiedWhen }) => dirtiedWhen !== null).sort((a, b) => age(a) - age(b));
}

function age(inode: Inode): number {
  return inode.dirtiedWhen ?? Infinity;
}
