import { Errno } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { Inode } from './inode.js';

/**
 * ioctl(FICLONE) of a whole file into a new one: what is dirty goes to the disk first; then the two share its blocks, and
 * whoever writes to one of them later writes elsewhere.
 *
 * @throws Errno EOPNOTSUPP if the file system shares no blocks
 */
export function* reflink(source: Inode, name: string): Task<Inode> {
  const { fs } = source;
  if (!fs.traits.sharesBlocks) throw new Errno('EOPNOTSUPP', `reflink of ${source.name} on ${fs.traits.kind}`);
  const target = fs.createFile(name, 0, 'hole');
  yield source.rwsem.exclusive;
  try {
    yield* fs.flushForRemap(source);
    shareBlocks(source, target);
  } finally {
    source.rwsem.releaseExclusive();
  }
  return target;
}

function shareBlocks(source: Inode, target: Inode): void {
  const { fs, mapping } = source;
  for (let page = 0; page < mapping.sizeInPages; page++) {
    const record = source.blocks.record(page);
    if (record === undefined) continue;
    fs.shareBlock(record.block);
    target.blocks.set(page, record);
  }
  fs.setSize(target, source.size);
}
