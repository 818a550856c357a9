import { PAGE_SIZE } from '../../src/base/index.js';
import { HOLE, fallocate, type Inode } from '../../src/fs/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine } from '../support/machine.js';

/** A file of 16 pages of which every page was stored to through a mapping, and the machine. */
function dirtyFile(fileSystem: 'ext4' | 'xfs' | 'btrfs'): { m: Machine; file: Inode } {
  const m = new Machine({ fileSystem });
  const file = m.file(16);
  m.mapFile(file);
  for (let page = 0; page < 16; page++) m.store(page, 7);
  m.log.take();
  return { m, file };
}

describe('punching a hole', () => {
  it('on ext4 drops the pages and tells drivers CLEAR of just them', () => {
    const { m, file } = dirtyFile('ext4');
    m.run(fallocate(file, 'punch', 4 * PAGE_SIZE, 2 * PAGE_SIZE));
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[4,6)>');
    expect([m.load(3), m.load(4), m.load(6)]).toEqual([7, 0, 7]);
    expect(file.blocks.block(4)).toBe(HOLE);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('on xfs writes the pages before, and takes whole pages of a ragged range', () => {
    const { m, file } = dirtyFile('xfs');
    m.run(fallocate(file, 'punch', 8 * PAGE_SIZE + 100, PAGE_SIZE));
    expect(m.log.takeOnly(/^[<>]/)).toBe('<PROTECTION_PAGE[8,9)> <PROTECTION_PAGE[9,10)> <CLEAR[8,10)>');
    expect([m.load(8), m.load(9)]).toEqual([7, 0]);
  });

  it('on btrfs writes on to the end of what was to be allocated together, each page twice, the later ones thrice', () => {
    const { m, file } = dirtyFile('btrfs');
    m.run(fallocate(file, 'punch', 13 * PAGE_SIZE, PAGE_SIZE));
    const twice = ['[13,14)', '[14,15)', '[15,16)', '[13,14)', '[14,15)', '[14,15)', '[15,16)', '[15,16)'];
    const written = twice.map((range) => `<PROTECTION_PAGE${range}>`).join(' ');
    expect(m.log.takeOnly(/^[<>]/)).toBe(`${written} <CLEAR[13,14)>`);
  });
});

describe('taking a range out of a file and putting one in', () => {
  it.each(['ext4', 'xfs'] as const)('on %s moves what lies behind, and what was written stays readable', (kind) => {
    const { m, file } = dirtyFile(kind);
    m.store(8, 9);
    m.run(fallocate(file, 'collapse', 4 * PAGE_SIZE, 4 * PAGE_SIZE));
    expect([file.size, m.load(4), m.load(5)]).toEqual([12 * PAGE_SIZE, 9, 7]);
    m.run(fallocate(file, 'insert', 4 * PAGE_SIZE, PAGE_SIZE));
    expect([file.size, m.load(4), m.load(5)]).toEqual([13 * PAGE_SIZE, 0, 9]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is refused for ranges that are not blocks of the file, and by btrfs', () => {
    const { m, file } = dirtyFile('ext4');
    expect(m.errno(fallocate(file, 'collapse', 100, PAGE_SIZE))).toBe('EINVAL');
    expect(m.errno(fallocate(file, 'collapse', 12 * PAGE_SIZE, 4 * PAGE_SIZE))).toBe('EINVAL');
    expect(m.errno(fallocate(file, 'insert', 16 * PAGE_SIZE, PAGE_SIZE))).toBe('EINVAL');
    const other = dirtyFile('btrfs');
    expect(other.m.errno(fallocate(other.file, 'insert', 0, PAGE_SIZE))).toBe('EOPNOTSUPP');
  });
});

describe.each(['ext4', 'xfs'] as const)('on %s', (kind) => {
  it('allocation behind the end makes the file longer, and zeros of it', () => {
    const { m, file } = dirtyFile(kind);
    m.run(fallocate(file, 'alloc', 15 * PAGE_SIZE, 3 * PAGE_SIZE));
    expect([file.size, m.pread(file, 17 * PAGE_SIZE, 1)]).toEqual([18 * PAGE_SIZE, [0]]);
  });

  it('zeroing takes the pages away, and makes the file longer unless it is to keep its size', () => {
    const { m, file } = dirtyFile(kind);
    m.run(fallocate(file, 'zero_keep_size', 14 * PAGE_SIZE, 4 * PAGE_SIZE));
    expect([file.size, m.load(13), m.load(14)]).toEqual([16 * PAGE_SIZE, 7, 0]);
    m.run(fallocate(file, 'zero', 12 * PAGE_SIZE, 6 * PAGE_SIZE));
    expect([file.size, m.load(11), m.load(12)]).toEqual([18 * PAGE_SIZE, 7, 0]);
  });

  it('punching behind the end of the file does nothing to it', () => {
    const { m, file } = dirtyFile(kind);
    m.run(fallocate(file, 'punch', 16 * PAGE_SIZE, PAGE_SIZE));
    expect([file.size, m.load(15)]).toEqual([16 * PAGE_SIZE, 7]);
  });

  it('a power loss after a collapse and a commit finds the shorter file', () => {
    const { m, file } = dirtyFile(kind);
    m.store(8, 9);
    m.run(fallocate(file, 'collapse', 4 * PAGE_SIZE, 4 * PAGE_SIZE));
    m.fsync(file);
    m.kernel.fs.device.powerLoss();
    m.kernel.fs.recover();
    expect([file.size, m.pread(file, 4 * PAGE_SIZE, 1)]).toEqual([12 * PAGE_SIZE, [9]]);
  });
});

it('fallocate of no bytes, before the file or beyond what a file can be is refused', () => {
  const m = new Machine();
  const file = m.file(1);
  expect(m.errno(fallocate(file, 'alloc', 0, 0))).toBe('EINVAL');
  expect(m.errno(fallocate(file, 'alloc', -1, 10))).toBe('EINVAL');
  expect(m.errno(fallocate(file, 'alloc', 2 ** 52, PAGE_SIZE * 2 ** 40))).toBe('EFBIG');
});
