import { PAGE_SIZE } from '../../src/base/index.js';
import { fallocate, type Inode } from '../../src/fs/index.js';
import { PG_DIRTY, PG_UPTODATE } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

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

describe('what a truncation or a hole leaves of a page', () => {
  function isDirty(m: Machine, file: Inode, page: number): boolean {
    return m.memory.frames.has(m.memory.frames.folioOf(file.mapping.pages.get(page)), PG_DIRTY);
  }

  /** Page 1 is full of 7, on the disk and in the cache. */
  function full(): { m: Machine; file: Inode } {
    const { m, file } = machine('written');
    m.pwrite(file, PAGE_SIZE, new Uint8Array(PAGE_SIZE).fill(7));
    m.fsync(file);
    return { m, file };
  }

  it('is dirty where a block is cut, clean where whole blocks go', () => {
    const cut = full();
    cut.m.ftruncate(cut.file, PAGE_SIZE + 100);
    expect(isDirty(cut.m, cut.file, 1)).toBe(true);
    const whole = full();
    whole.m.ftruncate(whole.file, PAGE_SIZE + 2048);
    expect(isDirty(whole.m, whole.file, 1)).toBe(false);
  });

  it('has no blocks there: what was cut off is zeros when the file has grown again and is read from the disk', () => {
    const { m, file } = full();
    m.ftruncate(file, PAGE_SIZE + 2048);
    m.ftruncate(file, 2 * PAGE_SIZE);
    m.run(m.kernel.reclaim.shrink(Infinity));
    expect(m.pread(file, PAGE_SIZE + 2047, 2)).toEqual([7, 0]);
    m.pwrite(file, PAGE_SIZE + 3000, [9]);
    m.fsync(file);
    m.run(m.kernel.reclaim.shrink(Infinity));
    expect(m.pread(file, PAGE_SIZE + 2999, 3)).toEqual([0, 9, 0]);
  });

  it('comes back with a power loss before the commit', () => {
    const { m, file } = full();
    m.run(fallocate(file, 'punch', PAGE_SIZE + 1024, 1024));
    expect(m.pread(file, PAGE_SIZE + 1024, 1)).toEqual([0]);
    m.kernel.fs.device.powerLoss();
    m.kernel.fs.recover();
    expect(m.pread(file, PAGE_SIZE + 1024, 1)).toEqual([7]);
  });

  it('is no fault’s business until it is valid', () => {
    const { m, file } = full();
    m.run(m.kernel.reclaim.shrink(Infinity));
    m.run(fallocate(file, 'punch', PAGE_SIZE + 100, 100));
    expect(isValid(m, file, 1)).toBe(false);
    expect(m.pread(file, PAGE_SIZE + 99, 2)).toEqual([7, 0]);
  });

  it('does not show what a mapping wrote behind the end, when the file grows', () => {
    const { m, file } = full();
    m.ftruncate(file, PAGE_SIZE + 2048);
    m.run(m.kernel.store(m.process, address(1) + 3000, 1, Uint8Array.of(9)));
    m.ftruncate(file, 2 * PAGE_SIZE);
    expect(m.pread(file, PAGE_SIZE + 3000, 1)).toEqual([0]);
  });
});
