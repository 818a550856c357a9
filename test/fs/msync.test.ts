import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { msync, type Inode } from '../../src/fs/index.js';
import { PG_DIRTY, mlock } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

type Flag = Parameters<typeof msync>[3];

/** msync(2) of pages. */
function syncing(
  m: Machine,
  page: number,
  pages: number,
  flag: Flag,
  synced: (inode: Inode) => void = () => undefined,
): Task {
  return msync(m.mm, address(page), pages * PAGE_SIZE, flag, synced);
}

/** Pages 0 to 3 show a file, of which all are dirty. */
function machine(): { m: Machine; file: Inode } {
  const m = new Machine();
  const file = m.file(4);
  m.mapFile(file);
  for (let page = 0; page < 4; page++) m.store(page, 7);
  m.log.take();
  return { m, file };
}

function dirty(m: Machine, file: Inode): number[] {
  return [0, 1, 2, 3].filter((page) => m.memory.frames.has(file.mapping.pages.get(page), PG_DIRTY));
}

describe('msync', () => {
  it('with MS_SYNC writes the pages of the range, and tells drivers of just them', () => {
    const { m, file } = machine();
    m.run(syncing(m, 1, 2, 'sync'));
    expect(m.log.takeOnly(/^<P/)).toBe('<PROTECTION_PAGE[1,2) <PROTECTION_PAGE[2,3)');
    expect(dirty(m, file)).toEqual([0, 3]);
  });

  it.each(['async', 'invalidate'] as const)('with %s writes nothing', (flag) => {
    const { m, file } = machine();
    m.run(syncing(m, 0, 4, flag));
    expect(dirty(m, file)).toEqual([0, 1, 2, 3]);
  });

  it('syncs what lies behind a hole too, and then says ENOMEM', () => {
    const { m, file } = machine();
    m.munmap(1, 1);
    expect(m.errno(syncing(m, 0, 4, 'sync'))).toBe('ENOMEM');
    expect(dirty(m, file)).toEqual([1]);
  });

  it('passes over private mappings, and says which files were synced, once per mapping', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file, { pages: 1 });
    m.mapFile(file, { at: 1, pages: 1, offset: 1, share: 'private' });
    m.mapFile(file, { at: 2, pages: 1, offset: 0 });
    for (let page = 0; page < 3; page++) m.store(page);
    const synced: string[] = [];
    m.run(syncing(m, 0, 3, 'sync', ({ name }) => synced.push(name)));
    expect(synced).toEqual(['file', 'file']);
  });

  it('refuses what is not aligned, and to invalidate what is locked', () => {
    const { m } = machine();
    expect(m.errno(msync(m.mm, address(0) + 1, PAGE_SIZE, 'sync', () => undefined))).toBe('EINVAL');
    m.run(mlock(m.mm, address(2), PAGE_SIZE));
    expect(m.errno(syncing(m, 0, 4, 'invalidate'))).toBe('EBUSY');
  });
});
