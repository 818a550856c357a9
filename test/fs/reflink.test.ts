import { PAGE_SIZE } from '../../src/base/index.js';
import { fallocate, reflink, type Inode } from '../../src/fs/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine } from '../support/machine.js';

/** A file of 8 pages, the first four of which were stored to through a mapping, and its clone. */
function cloned(fileSystem: 'xfs' | 'btrfs'): { m: Machine; file: Inode; clone: Inode } {
  const m = new Machine({ fileSystem });
  const file = m.file(8, 'hole');
  m.mapFile(file);
  for (let page = 0; page < 4; page++) m.store(page, 7);
  m.log.take();
  const clone = m.run(reflink(file, 'clone'));
  return { m, file, clone };
}

function first(m: Machine, file: Inode, page: number): number {
  return m.pread(file, page * PAGE_SIZE, 1)[0];
}

describe.each(['xfs', 'btrfs'] as const)('a reflink on %s', (kind) => {
  it('writes what is dirty, so that drivers hear of it, and shares the blocks', () => {
    const { m, file, clone } = cloned(kind);
    expect(m.log.takeOnly(/^clean/)).toBe('clean#0(1) clean#1(1) clean#2(1) clean#3(1)');
    expect(clone.size).toBe(file.size);
    expect([0, 3, 4].map((page) => clone.blocks.block(page))).toEqual([0, 3, 4].map((page) => file.blocks.block(page)));
    expect([first(m, clone, 3), first(m, clone, 4)]).toEqual([7, 0]);
  });

  it('keeps what the file held then, whatever is written to the file later', () => {
    const { m, file, clone } = cloned(kind);
    m.store(3, 8);
    m.fsync(file);
    expect([first(m, clone, 3), first(m, file, 3)]).toEqual([7, 8]);
    expect(clone.blocks.block(3)).not.toBe(file.blocks.block(3));
    expect(clone.blocks.block(2)).toBe(file.blocks.block(2));
  });

  it('leaves the file as it is when the clone is written to', () => {
    const { m, file, clone } = cloned(kind);
    m.pwrite(clone, 0, new Uint8Array(PAGE_SIZE).fill(9));
    m.fsync(clone);
    expect([first(m, clone, 0), first(m, file, 0), m.load(0)]).toEqual([9, 7, 7]);
  });

  it('keeps its blocks when the file loses them', () => {
    const { m, file, clone } = cloned(kind);
    m.run(fallocate(file, 'punch', 0, 2 * PAGE_SIZE));
    m.ftruncate(file, 3 * PAGE_SIZE);
    m.fsync(file);
    // What the file lost is free only if nobody else has it: these writes must not land there.
    const other = m.file(0, 'hole');
    m.pwrite(other, 0, new Uint8Array(8 * PAGE_SIZE).fill(5));
    m.fsync(other);
    expect([0, 1, 2, 3].map((page) => first(m, clone, page))).toEqual([7, 7, 7, 7]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('can be cloned in turn', () => {
    const { m, clone } = cloned(kind);
    const second = m.run(reflink(clone, 'second'));
    m.pwrite(clone, 0, [1]);
    m.fsync(clone);
    expect(first(m, second, 0)).toBe(7);
  });
});

it('ext4 shares no blocks', () => {
  const m = new Machine({ fileSystem: 'ext4' });
  expect(m.errno(reflink(m.file(1), 'clone'))).toBe('EOPNOTSUPP');
});
