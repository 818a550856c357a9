import { PAGE_SIZE } from '../../src/base/index.js';
import type { Inode } from '../../src/fs/index.js';
import { ADVICES, PG_DIRTY, PG_READAHEAD, madvise } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

function pageout(m: Machine, page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES.pageout));
}

/** A mapped file with four dirty pages, which reclaim has looked at. */
function afterPageout(): { m: Machine; file: Inode } {
  const m = new Machine();
  const file = m.file(16);
  m.mapFile(file);
  for (let page = 0; page < 4; page++) m.store(page, 7);
  pageout(m, 0, 4);
  m.log.take();
  return { m, file };
}

function hasFlag(m: Machine, file: Inode, page: number, flag: number): boolean {
  return m.memory.frames.has(m.memory.frames.folioOf(file.mapping.pages.get(page)), flag);
}

describe('a dirty page of a file that is to be reclaimed', () => {
  it('is unmapped and kept, and marked to go once it has been written', () => {
    const { m, file } = afterPageout();
    expect([hasFlag(m, file, 1, PG_DIRTY), hasFlag(m, file, 1, PG_READAHEAD)]).toEqual([true, true]);
    m.fsync(file);
    expect([hasFlag(m, file, 1, PG_DIRTY), hasFlag(m, file, 1, PG_READAHEAD)]).toEqual([false, false]);
  });

  // PG_reclaim is PG_readahead. Recorded: a fault for each, though all are cached.
  it('is not mapped by a fault at a page beside it, as that mark looks like one of readahead', () => {
    const { m } = afterPageout();
    for (let page = 0; page < 4; page++) m.load(page);
    expect(m.log.take()).toBe('r0 r1 r2 r3');
  });

  it('is like any other again once somebody dirties it', () => {
    const { m, file } = afterPageout();
    m.store(2, 8);
    expect(hasFlag(m, file, 2, PG_READAHEAD)).toBe(false);
  });
});
