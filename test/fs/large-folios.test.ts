import { PAGE_SIZE } from '../../src/base/index.js';
import type { Hold, Task } from '../../src/engine/index.js';
import type { Inode } from '../../src/fs/index.js';
import { pinUserPages } from '../../src/mm/index.js';
import { cachedFolios } from '../support/cached-folios.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function write(m: Machine, file: Inode, first: number, pages: number): void {
  m.run(m.kernel.pwrite(file, first * PAGE_SIZE, pages * PAGE_SIZE));
}

describe('write(2)', () => {
  it('makes folios as large as what is left to be written, aligned to their size', () => {
    const m = new Machine();
    const file = m.file(0);
    write(m, file, 0, 12);
    write(m, file, 14, 11);
    expect(cachedFolios(m, file)).toEqual([
      [0, 8],
      [8, 4],
      [14, 2],
      [16, 8],
      [24, 1],
    ]);
    checkInvariants(m.kernel, []);
  });

  it('makes smaller ones around pages that are cached already', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    write(m, file, 6, 1);
    write(m, file, 0, 16);
    expect(cachedFolios(m, file)).toEqual([
      [0, 4],
      [4, 2],
      [6, 1],
      [7, 1],
      [8, 8],
    ]);
  });

  it.each([
    ['ext4', 512],
    ['xfs', 512],
    ['btrfs', 64],
  ] as const)('makes none larger than %s allows: %d pages', (fileSystem, largest) => {
    const m = new Machine({ fileSystem });
    const file = m.file(0);
    write(m, file, 0, 1024);
    expect(cachedFolios(m, file).map(([, pages]) => pages)).toEqual(new Array(1024 / largest).fill(largest));
  });

  it('to a part of a large folio that is not cached keeps what the disk has of the rest', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, 0, new Array<number>(4 * PAGE_SIZE).fill(7));
    m.fsync(file);
    m.run(m.kernel.reclaim.shrink(Infinity));
    m.pwrite(file, 10, new Array<number>(2 * PAGE_SIZE).fill(8));
    expect([0, 10, 2 * PAGE_SIZE + 9, 2 * PAGE_SIZE + 10].map((at) => m.pread(file, at, 1)[0])).toEqual([7, 8, 8, 7]);
  });
});

describe('a truncation inside a large folio', () => {
  it('splits it, in halves down to the edge, and unmaps what stays: CLEAR of the whole folio', () => {
    const m = new Machine();
    const file = m.file(0);
    write(m, file, 0, 16);
    m.fsync(file);
    m.mapFile(file);
    m.load(0);
    m.log.take();
    m.ftruncate(file, 11 * PAGE_SIZE);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[11,16)> <CLEAR[0,16)> <CLEAR[11,16)>');
    expect(cachedFolios(m, file)).toEqual([
      [0, 8],
      [8, 2],
      [10, 1],
    ]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('unmaps a dirty one, but leaves it whole', () => {
    const m = new Machine({ fileSystem: 'xfs' });
    const file = m.file(0);
    write(m, file, 0, 16);
    m.mapFile(file);
    m.store(3);
    m.log.take();
    m.ftruncate(file, 11 * PAGE_SIZE);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[11,16)> <CLEAR[0,16)> <CLEAR[11,16)>');
    expect(cachedFolios(m, file)).toEqual([[0, 16]]);
  });

  it('splits a dirty one on ext4 if what was written is cut off', () => {
    const m = new Machine();
    const file = m.file(0);
    write(m, file, 0, 16);
    m.fsync(file);
    write(m, file, 12, 2);
    m.ftruncate(file, 8 * PAGE_SIZE);
    expect(cachedFolios(m, file)).toEqual([[0, 8]]);
    expect(m.fsync(file).folios).toBe(0);
  });
});

describe('a split of a large folio', () => {
  it('leaves all parts marked that were dirty: one that was dirtied behind the back of its file system can be split', () => {
    const m = new Machine({ fileSystem: 'xfs' });
    const file = m.file(16, 'hole');
    m.kernel.mm.markDirty(m.largeFolio(file, 0));
    m.ftruncate(file, 11 * PAGE_SIZE);
    checkInvariants(m.kernel, []);
    expect(cachedFolios(m, file)).toEqual([
      [0, 8],
      [8, 2],
      [10, 1],
    ]);
    expect(m.fsync(file).folios).toBe(3);
  });

  it('does not happen if a page was pinned while drivers were told', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    m.mapFile(file);
    m.load(3);
    const pins: number[] = [];
    const notifier = m.mm.notifiers.insertInterval(address(0), PAGE_SIZE, {
      name: 'slow',
      invalidate: (range, seq) => {
        notifier.setSeq(seq);
        if (pins.length === 0) m.simulation.spawn('pin', pinPage9(range.hold('slow')));
      },
    });
    function* pinPage9(hold: Hold): Task {
      pins.push(...(yield* pinUserPages(m.mm, address(9), PAGE_SIZE, { write: false, longterm: false })));
      hold.release();
    }
    m.ftruncate(file, 11 * PAGE_SIZE);
    expect(pins).toEqual([folio + 9]);
    checkInvariants(m.kernel, [m.mm], pins);
  });
});

describe('xfs', () => {
  it('on growth writes the old last page, whose rest became zeros; a write behind the end only zeroes it', () => {
    const m = new Machine({ fileSystem: 'xfs' });
    const file = m.file(4, 'hole');
    m.mapFile(file);
    m.store(2);
    m.ftruncate(file, 2 * PAGE_SIZE + 100);
    m.log.take();
    m.ftruncate(file, 4 * PAGE_SIZE);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<PROTECTION_PAGE[2,3)>');
    m.store(2);
    m.ftruncate(file, 2 * PAGE_SIZE + 100);
    m.log.take();
    m.pwrite(file, 3 * PAGE_SIZE, [1]);
    expect(m.log.takeOnly(/^[<>]/)).toBe('');
  });

  it('says nothing about a file that is empty and stays so', () => {
    const m = new Machine({ fileSystem: 'xfs' });
    const file = m.file(4, 'hole');
    m.mapFile(file);
    m.ftruncate(file, 0);
    m.log.take();
    m.ftruncate(file, 0);
    expect(m.log.take()).toBe('');
  });
});
