import { PAGE_SIZE } from '../../src/base/index.js';
import type { Inode } from '../../src/fs/index.js';
import { PG_UPTODATE } from '../../src/mm/index.js';
import { Machine } from '../support/machine.js';

/** Blocks of 1 KiB. */
function machine(content: 'written' | 'hole' = 'hole'): { m: Machine; file: Inode } {
  const m = new Machine({ fileSystem: 'ext4' });
  const file = m.file(4, content);
  m.mapFile(file);
  return { m, file };
}

function isValid(m: Machine, file: Inode, page: number): boolean {
  return m.memory.frames.has(m.memory.frames.folioOf(file.mapping.pages.get(page)), PG_UPTODATE);
}

// Recorded in 0700-ext4, 0743-ext4priv and 4754-ext4.
describe('a write(2) of some blocks of a page that is not cached', () => {
  it('leaves the page not valid, so that faults beside it do not map it', () => {
    const { m, file } = machine();
    m.pwrite(file, PAGE_SIZE, [7]);
    expect(isValid(m, file, 1)).toBe(false);
    m.load(0);
    expect([m.load(1), m.load(2)]).toEqual([7, 0]);
    expect(m.log.takeOnly(/^r/)).toBe('r0 r1');
    expect(isValid(m, file, 1)).toBe(true);
  });

  it('keeps what it wrote when the rest is read', () => {
    const { m, file } = machine('written');
    m.pwrite(file, PAGE_SIZE + 1024, [1, 2]);
    m.pwrite(file, PAGE_SIZE, [3]);
    expect(isValid(m, file, 1)).toBe(false);
    expect(m.pread(file, PAGE_SIZE + 1024, 3)).toEqual([1, 2, 0]);
    expect(m.load(1)).toBe(3);
    m.fsync(file);
    m.run(m.kernel.reclaim.shrink(Infinity));
    expect(m.pread(file, PAGE_SIZE + 1024, 3)).toEqual([1, 2, 0]);
  });

  it('makes it valid with the last of its blocks', () => {
    const { m, file } = machine();
    for (const block of [0, 2, 3]) m.pwrite(file, PAGE_SIZE + block * 1024, [7]);
    expect(isValid(m, file, 1)).toBe(false);
    m.pwrite(file, PAGE_SIZE + 1024, new Uint8Array(1024));
    expect(isValid(m, file, 1)).toBe(true);
  });

  it('is forgotten with the page: another one in the same place is read', () => {
    const { m, file } = machine('written');
    m.pwrite(file, PAGE_SIZE, [7]);
    m.fsync(file);
    m.ftruncate(file, PAGE_SIZE);
    m.ftruncate(file, 2 * PAGE_SIZE);
    expect(m.pread(file, PAGE_SIZE, 1)).toEqual([0]);
  });
});
