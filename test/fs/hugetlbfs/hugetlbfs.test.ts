import { HPAGE_SIZE, PAGE_SIZE } from '../../../src/base/index.js';
import { Hugetlbfs, fallocate, truncate, writeToPageCache, type Inode } from '../../../src/fs/index.js';
import { pinUserPages } from '../../../src/mm/index.js';
import { Machine, address } from '../../support/machine.js';

/** A mapped file of two huge pages. */
function machine(): { m: Machine; file: Inode } {
  const m = new Machine({ memory: 64 * 2 ** 20 });
  const file = new Hugetlbfs(m.kernel.mm, m.kernel.fs.device).createFile('huge', 2 * HPAGE_SIZE, 'hole');
  m.mapFile(file);
  return { m, file };
}

/** The huge pages that the file has. */
function cached(file: Inode): number[] {
  return [0, 1, 2].filter((huge) => file.mapping.pages.get(huge * 512) !== 0);
}

describe('a file of huge pages', () => {
  it('has a folio of 2 MiB after a fault anywhere in it', () => {
    const { m, file } = machine();
    m.store(600, 7);
    expect(cached(file)).toEqual([1]);
    expect(m.memory.frames.pages(file.mapping.pages.get(512))).toBe(512);
    expect([m.load(600), m.load(601), m.pread(file, 600 * PAGE_SIZE, 1)]).toEqual([7, 0, [7]]);
  });

  it('reads a hole as zeros, without making a page', () => {
    const { m, file } = machine();
    expect([m.pread(file, 0, 2), cached(file)]).toEqual([[0, 0], []]);
  });

  it('has no write(2), and no sizes but multiples of 2 MiB', () => {
    const { m, file } = machine();
    expect(m.errno(writeToPageCache(file, 0, 1, null))).toBe('EINVAL');
    expect(m.errno(truncate(file, HPAGE_SIZE + PAGE_SIZE))).toBe('EINVAL');
  });

  it('loses pages to a truncation, and mappings of them; who pinned one keeps it', () => {
    const { m, file } = machine();
    m.store(3, 7);
    m.store(600, 8);
    const pins = m.run(pinUserPages(m.mm, address(600), PAGE_SIZE, { write: true, longterm: true }));
    m.log.take();
    m.ftruncate(file, HPAGE_SIZE);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[512,1024)');
    expect([cached(file), m.load(3), m.load(600)]).toEqual([[0], 7, 'SIGBUS']);
    expect(m.memory.frames.isAllocated(pins[0])).toBe(true);
  });

  it('loses whole huge pages to a hole, and of others the bytes', () => {
    const { m, file } = machine();
    m.store(3, 7);
    m.store(500, 7);
    m.store(600, 8);
    m.run(fallocate(file, 'punch', 400 * PAGE_SIZE, HPAGE_SIZE + 112 * PAGE_SIZE));
    expect([cached(file), m.load(3), m.load(500), m.load(600)]).toEqual([[0], 7, 0, 0]);
  });

  it('can have its pages made before anybody maps them, and become longer', () => {
    const { m, file } = machine();
    m.run(fallocate(file, 'alloc', HPAGE_SIZE, 2 * HPAGE_SIZE));
    expect([cached(file), file.size]).toEqual([[1, 2], 3 * HPAGE_SIZE]);
    expect(m.errno(fallocate(file, 'zero', 0, HPAGE_SIZE))).toBe('EOPNOTSUPP');
  });
});
