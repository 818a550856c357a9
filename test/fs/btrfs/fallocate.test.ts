import { PAGE_SIZE } from '../../../src/base/index.js';
import { HOLE, fallocate, type FallocateMode, type Inode } from '../../../src/fs/index.js';
import { Machine } from '../../support/machine.js';

/** A file of 8 pages full of 7, on the disk and not cached. */
function full(): { m: Machine; file: Inode } {
  const m = new Machine({ fileSystem: 'btrfs' });
  const file = m.file(8, 'hole');
  m.pwrite(file, 0, new Uint8Array(8 * PAGE_SIZE).fill(7));
  m.fsync(file);
  m.run(m.kernel.reclaim.shrink(Infinity));
  return { m, file };
}

function change(m: Machine, file: Inode, mode: FallocateMode, offset: number, length: number): void {
  m.run(fallocate(file, mode, offset, length));
}

/** The bytes at the borders of a range, just outside and just inside. */
function borders(m: Machine, file: Inode, offset: number, length: number): number[] {
  return [offset - 1, offset, offset + length - 1, offset + length].map((at) => m.pread(file, at, 1)[0]);
}

describe('punching a hole on btrfs', () => {
  it.each([
    ['whole pages', 2 * PAGE_SIZE, 2 * PAGE_SIZE],
    ['a part of a page', 2 * PAGE_SIZE + 100, 200],
    ['pages and parts of two others', 2 * PAGE_SIZE + 100, 3 * PAGE_SIZE],
  ])('%s: just that becomes zeros', (_name, offset, length) => {
    const { m, file } = full();
    change(m, file, 'punch', offset, length);
    expect(borders(m, file, offset, length)).toEqual([7, 0, 0, 7]);
  });

  it('frees whole pages only, and parts are written', () => {
    const { m, file } = full();
    change(m, file, 'punch', 2 * PAGE_SIZE + 100, 3 * PAGE_SIZE);
    expect([2, 3, 4, 5].map((page) => file.blocks.block(page) === HOLE)).toEqual([false, true, true, false]);
    expect(m.fsync(file).folios).toBe(2);
  });

  it('passes over what is a hole already', () => {
    const { m, file } = full();
    change(m, file, 'punch', 2 * PAGE_SIZE, 2 * PAGE_SIZE);
    m.fsync(file);
    change(m, file, 'punch', 2 * PAGE_SIZE + 10, 100);
    expect(m.fsync(file).folios).toBe(0);
  });
});

describe('allocation on btrfs', () => {
  it('gives holes blocks that read as zeros until they are written', () => {
    const m = new Machine({ fileSystem: 'btrfs' });
    const file = m.file(4, 'hole');
    change(m, file, 'alloc', PAGE_SIZE, 2 * PAGE_SIZE);
    expect([0, 1, 2, 3].map((page) => file.blocks.block(page) === HOLE)).toEqual([true, false, false, true]);
    expect(m.pread(file, PAGE_SIZE, 1)).toEqual([0]);
    m.pwrite(file, PAGE_SIZE, [5]);
    m.fsync(file);
    m.run(m.kernel.reclaim.shrink(Infinity));
    expect(m.pread(file, PAGE_SIZE, 2)).toEqual([5, 0]);
  });

  it('leaves what has data alone, and makes the file as long as it reaches', () => {
    const { m, file } = full();
    change(m, file, 'alloc', 7 * PAGE_SIZE, 2 * PAGE_SIZE);
    expect([file.size, m.pread(file, 7 * PAGE_SIZE, 1), m.pread(file, 8 * PAGE_SIZE, 1)]).toEqual([
      9 * PAGE_SIZE,
      [7],
      [0],
    ]);
  });

  it('zeroes what an old last page has behind the end', () => {
    const { m, file } = full();
    m.ftruncate(file, PAGE_SIZE + 100);
    change(m, file, 'alloc', 2 * PAGE_SIZE, PAGE_SIZE);
    expect(m.pread(file, PAGE_SIZE + 99, 2)).toEqual([7, 0]);
  });
});

describe('zeroing on btrfs', () => {
  it.each([
    ['whole pages', 2 * PAGE_SIZE, 2 * PAGE_SIZE],
    ['a part of a page', 2 * PAGE_SIZE + 100, 200],
    ['pages and parts of two others', 2 * PAGE_SIZE + 100, 3 * PAGE_SIZE],
  ])('%s: just that becomes zeros, and keeps blocks', (_name, offset, length) => {
    const { m, file } = full();
    change(m, file, 'zero', offset, length);
    expect(borders(m, file, offset, length)).toEqual([7, 0, 0, 7]);
    expect([2, 3, 4, 5].every((page) => file.blocks.block(page) !== HOLE)).toBe(true);
  });

  it('allocates the pages at the edges that are holes', () => {
    const m = new Machine({ fileSystem: 'btrfs' });
    const file = m.file(8, 'hole');
    change(m, file, 'zero_keep_size', PAGE_SIZE + 100, 2 * PAGE_SIZE);
    expect([0, 1, 2, 3, 4].map((page) => file.blocks.block(page) === HOLE)).toEqual([true, false, false, false, true]);
  });

  it('does nothing where space is allocated without data already', () => {
    const m = new Machine({ fileSystem: 'btrfs' });
    const file = m.file(8, 'hole');
    change(m, file, 'alloc', 0, 8 * PAGE_SIZE);
    const before = file.blocks.block(2);
    change(m, file, 'zero', 2 * PAGE_SIZE + 100, 100);
    change(m, file, 'zero', 2 * PAGE_SIZE, PAGE_SIZE);
    expect(file.blocks.block(2)).toBe(before);
  });

  it('keeps the size or does not, as it is told', () => {
    const { m, file } = full();
    change(m, file, 'zero_keep_size', 7 * PAGE_SIZE, 4 * PAGE_SIZE);
    expect(file.size).toBe(8 * PAGE_SIZE);
    change(m, file, 'zero', 7 * PAGE_SIZE, 4 * PAGE_SIZE);
    expect(file.size).toBe(11 * PAGE_SIZE);
  });
});
