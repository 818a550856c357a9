import { HPAGE_SIZE, PAGE_SIZE } from '../../../src/base/index.js';
import { Shmem, Tmpfs, directRead, directWrite, fallocate, fsync, type Inode } from '../../../src/fs/index.js';
import { ADVICES, PG_UPTODATE, madvise, type ThpPolicy } from '../../../src/mm/index.js';
import { cachedFolios } from '../../support/cached-folios.js';
import { Machine, address } from '../../support/machine.js';

/** A mapped file in memory. */
function machine(pages = 8): { m: Machine; fs: Tmpfs; file: Inode } {
  const m = new Machine({ memory: 32 * 2 ** 20 });
  const fs = new Tmpfs(m.kernel.mm, m.kernel.fs.device);
  const file = fs.createFile('memfd', pages * PAGE_SIZE, 'hole');
  m.mapFile(file);
  return { m, fs, file };
}

function pageout(m: Machine, page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES.pageout));
}

function cached(m: Machine, file: Inode): number[] {
  return cachedFolios(m, file).map(([page]) => page);
}

describe('a file in memory', () => {
  it('gets a page of zeros at a fault, for reading too, and none for read(2)', () => {
    const { m, file } = machine();
    expect([m.load(2), m.pread(file, 3 * PAGE_SIZE, 1)]).toEqual([0, [0]]);
    expect(cached(m, file)).toEqual([2]);
  });

  it('lets a page that was mapped for reading be written to without a fault: nothing is tracked', () => {
    const { m } = machine();
    m.load(2);
    m.log.take();
    m.store(2, 7);
    expect([m.load(2), m.log.take()]).toEqual([7, '']);
  });

  it('has nothing to be synced', () => {
    const { m, file } = machine();
    m.store(2, 7);
    m.log.take();
    expect(m.run(fsync(file)).folios).toBe(0);
    expect(m.log.takeOnly(/^</)).toBe('');
  });

  it('reads and writes with O_DIRECT as ever', () => {
    const { m, file } = machine();
    m.store(1, 7);
    const frame = m.memory.allocate(0);
    expect(m.run(directRead(file, PAGE_SIZE, [frame]))).toBe(PAGE_SIZE);
    expect(m.run(directWrite(file, 2 * PAGE_SIZE, [frame]))).toBe(PAGE_SIZE);
    expect(m.load(2)).toBe(7);
  });
});

describe('swapped pages of a file in memory', () => {
  it('come back with what they held, by a fault or by read(2)', () => {
    const { m, fs, file } = machine();
    m.store(1, 7);
    m.store(2, 8);
    pageout(m, 0, 8);
    expect([cached(m, file), fs.swapped(file).any(1, 3)]).toEqual([[], true]);
    expect([m.load(1), m.pread(file, 2 * PAGE_SIZE, 1)]).toEqual([7, [8]]);
    expect([cached(m, file), fs.swapped(file).any(0, 8)]).toEqual([[1, 2], false]);
  });

  it('do not need to go there if they are as good as holes', () => {
    const { m, fs, file } = machine();
    m.load(1);
    pageout(m, 0, 8);
    expect([cached(m, file), fs.swapped(file).any(0, 8)]).toEqual([[], false]);
  });

  it('are gone with a hole or a truncation, and their slots are free', () => {
    const { m, fs, file } = machine();
    for (let page = 0; page < 8; page++) m.store(page, 7);
    pageout(m, 0, 8);
    m.run(fallocate(file, 'punch', PAGE_SIZE, PAGE_SIZE));
    m.ftruncate(file, 4 * PAGE_SIZE);
    expect([1, 5].map((page) => fs.swapped(file).any(page, page + 1))).toEqual([false, false]);
    m.ftruncate(file, 8 * PAGE_SIZE);
    expect([0, 1, 5].map((page) => m.load(page))).toEqual([7, 0, 0]);
  });

  it('come back where a hole or an end cuts them, for only a part becomes zeros', () => {
    const { m, fs, file } = machine();
    m.run(m.kernel.store(m.process, address(1), 2 * PAGE_SIZE, new Uint8Array(2 * PAGE_SIZE).fill(7)));
    pageout(m, 0, 8);
    m.run(fallocate(file, 'punch', PAGE_SIZE + 100, PAGE_SIZE));
    expect(fs.swapped(file).any(0, 8)).toBe(false);
    const bytes = [PAGE_SIZE + 99, PAGE_SIZE + 100, 2 * PAGE_SIZE + 99, 2 * PAGE_SIZE + 100];
    expect(bytes.map((at) => m.pread(file, at, 1)[0])).toEqual([7, 0, 0, 7]);
  });
});

describe('fallocate of a file in memory', () => {
  it('reserves pages that are made zeros when they are used, and makes the file longer', () => {
    const { m, file } = machine();
    m.run(fallocate(file, 'alloc', 7 * PAGE_SIZE, 3 * PAGE_SIZE));
    expect([cached(m, file), file.size]).toEqual([[7, 8, 9], 10 * PAGE_SIZE]);
    expect(m.memory.frames.has(file.mapping.pages.get(8), PG_UPTODATE)).toBe(false);
    expect(m.pread(file, 8 * PAGE_SIZE, 1)).toEqual([0]);
    expect(m.load(7)).toBe(0);
    expect(m.memory.frames.has(file.mapping.pages.get(7), PG_UPTODATE)).toBe(true);
  });

  it('keeps reserved pages when they are swapped out', () => {
    const { m, fs, file } = machine();
    m.run(fallocate(file, 'alloc', 0, PAGE_SIZE));
    m.load(0);
    pageout(m, 0, 1);
    expect(fs.swapped(file).any(0, 1)).toBe(true);
    expect(m.load(0)).toBe(0);
  });

  it('tells mappings of a hole once, and knows neither zeroing nor shifting', () => {
    const { m, file } = machine();
    m.store(3, 7);
    m.log.take();
    m.run(fallocate(file, 'punch', 3 * PAGE_SIZE, PAGE_SIZE));
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[3,4)');
    for (const mode of ['zero', 'collapse', 'insert'] as const) {
      expect(m.errno(fallocate(file, mode, 0, PAGE_SIZE))).toBe('EOPNOTSUPP');
    }
  });
});

describe('huge folios of shared memory', () => {
  /** Which folios a file of 4 MiB has after one fault, under a setting. */
  function afterFault(policy: ThpPolicy, advice?: 'hugepage' | 'nohugepage', page = 700): [number, number][] {
    const m = new Machine({ memory: 32 * 2 ** 20 });
    m.kernel.mm.shmemThp = policy;
    const file = new Shmem(m.kernel.mm, m.kernel.fs.device).createFile('shmem', 2 * HPAGE_SIZE, 'hole');
    m.mapFile(file);
    if (advice !== undefined) m.run(madvise(m.mm, address(0), 2 * HPAGE_SIZE, ADVICES[advice]));
    m.store(page, 7);
    return cachedFolios(m, file);
  }

  it('are made where the setting asks for them and the mapping does not mind, or asks too', () => {
    expect(afterFault('always')).toEqual([[512, 512]]);
    expect(afterFault('always', 'nohugepage')).toEqual([[700, 1]]);
    expect(afterFault('advise')).toEqual([[700, 1]]);
    expect(afterFault('advise', 'hugepage')).toEqual([[512, 512]]);
    expect(afterFault('never', 'hugepage')).toEqual([[700, 1]]);
  });

  it('are not made where the file has a page of the block, in memory or on the swap device', () => {
    const m = new Machine({ memory: 32 * 2 ** 20 });
    const file = new Shmem(m.kernel.mm, m.kernel.fs.device).createFile('shmem', 2 * HPAGE_SIZE, 'hole');
    m.mapFile(file);
    m.store(0, 7);
    m.store(512, 7);
    pageout(m, 512, 1);
    m.kernel.mm.shmemThp = 'always';
    m.store(100, 7);
    m.store(700, 7);
    expect(cachedFolios(m, file)).toEqual([
      [0, 1],
      [100, 1],
      [700, 1],
    ]);
  });
});
