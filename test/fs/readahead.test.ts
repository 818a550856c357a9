import { PAGE_SIZE } from '../../src/base/index.js';
import type { Inode } from '../../src/fs/index.js';
import { ADVICES, PG_READAHEAD, madvise } from '../../src/mm/index.js';
import { cachedFolios } from '../support/cached-folios.js';
import { Machine, address } from '../support/machine.js';

/** A file of which every page can be mapped and nothing is cached. The largest window is 32 pages. */
function mapped(pages: number): { m: Machine; file: Inode } {
  const m = new Machine();
  const file = m.file(pages);
  m.mapFile(file);
  return { m, file };
}

/** The pages whose folio has the readahead mark. */
function marked(m: Machine, file: Inode): number[] {
  return cachedFolios(m, file)
    .map(([page]) => page)
    .filter((page) => m.memory.frames.has(file.mapping.pages.get(page), PG_READAHEAD));
}

function advise(m: Machine, advice: keyof typeof ADVICES, page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES[advice]));
}

describe('readahead around a fault', () => {
  it('reads 32 pages, one by one; the page that is reached next starts the next window, of larger folios', () => {
    const { m, file } = mapped(200);
    m.load(100);
    expect(cachedFolios(m, file)).toEqual(Array.from({ length: 32 }, (_, i) => [84 + i, 1]));
    expect(marked(m, file)).toEqual([108]);
    m.load(108);
    expect(cachedFolios(m, file).slice(32)).toEqual(Array.from({ length: 8 }, (_, i) => [116 + 4 * i, 4]));
  });

  it('is a pipeline: a window has its mark at its first page, so that the next one is read when that is reached', () => {
    const { m, file } = mapped(400);
    m.load(100);
    m.load(108);
    expect(marked(m, file)).toEqual([116]);
    m.load(116);
    expect(marked(m, file)).toEqual([148]);
    expect(cachedFolios(m, file).at(-1)).toEqual([160, 16]);
  });

  // Recorded in 0712-ext4.
  it('has no mark at the first page of a window that the file ends in', () => {
    const { m, file } = mapped(130);
    m.load(100);
    m.load(108);
    expect(cachedFolios(m, file).at(-1)).toEqual([128, 2]);
    expect(marked(m, file)).toEqual([]);
  });

  it('ends with the file', () => {
    const { m, file } = mapped(5);
    m.load(3);
    expect(file.mapping.pages.size).toBe(5);
  });

  it('reads by pages from the first on that is cached already', () => {
    const { m, file } = mapped(200);
    m.pwrite(file, 120 * PAGE_SIZE, new Uint8Array(PAGE_SIZE));
    m.load(100);
    m.load(108);
    const window = cachedFolios(m, file).filter(([page]) => page >= 116);
    expect(window.slice(0, 3)).toEqual([
      [116, 4],
      [120, 1],
      [121, 1],
    ]);
    expect(window).toHaveLength(1 + 28);
  });

  it('is none where the process says that it reads at random, and a sequential read where it says so', () => {
    const { m, file } = mapped(200);
    advise(m, 'random', 0, 100);
    advise(m, 'sequential', 100, 100);
    m.load(50);
    expect(cachedFolios(m, file)).toEqual([[50, 1]]);
    m.load(150);
    expect(cachedFolios(m, file).slice(1, 3)).toEqual([
      [150, 1],
      [151, 1],
    ]);
    expect(file.mapping.pages.size).toBe(1 + 32);
  });

  it('reads folios of 2 MiB where the mapping asks for huge pages: the block of the fault and the next', () => {
    const m = new Machine({ memory: 64 * 2 ** 20 });
    const file = m.file(2048);
    m.mapFile(file);
    advise(m, 'hugepage', 0, 2048);
    m.load(700);
    expect(cachedFolios(m, file)).toEqual([
      [512, 512],
      [1024, 512],
    ]);
    expect(marked(m, file)).toEqual([1024]);
  });

  it('gives up after a hundred misses that no hits follow', () => {
    const m = new Machine();
    const file = m.file(4096);
    m.mapFile(file);
    file.readahead.mmapMiss = 100;
    m.load(1000);
    expect(cachedFolios(m, file)).toEqual([[1000, 1]]);
  });
});

describe('readahead of read(2)', () => {
  it('begins small and doubles', () => {
    const m = new Machine();
    const file = m.file(200);
    m.pread(file, 0, PAGE_SIZE);
    expect(file.mapping.pages.size).toBe(4);
    m.pread(file, PAGE_SIZE, PAGE_SIZE);
    expect(file.mapping.pages.size).toBe(12);
  });

  it('is as large as the read, if that is more than the largest window', () => {
    const m = new Machine();
    const file = m.file(400);
    m.pread(file, 0, 100 * PAGE_SIZE);
    expect(file.mapping.pages.size).toBe(200);
  });

  it('is none for a small read out of order', () => {
    const m = new Machine();
    const file = m.file(200);
    m.pread(file, 100 * PAGE_SIZE, 2 * PAGE_SIZE);
    expect(cachedFolios(m, file)).toEqual([
      [100, 1],
      [101, 1],
    ]);
  });

  it('goes on where a stream has left its pages', () => {
    const m = new Machine();
    const file = m.file(200);
    m.pread(file, 0, PAGE_SIZE);
    m.pread(file, 4 * PAGE_SIZE, PAGE_SIZE);
    // Four pages from the beginning of the file on count twice.
    expect(file.mapping.pages.size).toBe(4 + 9);
  });
});

it('MADV_WILLNEED reads just what it is asked for, and leaves no mark', () => {
  const { m, file } = mapped(200);
  advise(m, 'willneed', 20, 10);
  expect(cachedFolios(m, file)).toEqual(Array.from({ length: 10 }, (_, i) => [20 + i, 1]));
  expect(marked(m, file)).toEqual([]);
});
