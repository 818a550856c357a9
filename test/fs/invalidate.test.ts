import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { invalidateMappingPages, type Inode } from '../../src/fs/index.js';
import { invalidateInodePages2Range } from '../../src/fs/invalidate.js';
import { pinUserPages } from '../../src/mm/index.js';
import { cachedFolios } from '../support/cached-folios.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

const WHOLE = { first: 0, end: Infinity };

/** A mapped file of 8 pages, all of them cached. */
function machine(): { m: Machine; file: Inode } {
  const m = new Machine();
  const file = m.file(8);
  m.pread(file, 0, 8 * PAGE_SIZE);
  m.mapFile(file);
  return { m, file };
}

function cached(m: Machine, file: Inode): number[] {
  return cachedFolios(m, file).map(([page]) => page);
}

describe('invalidate_mapping_pages', () => {
  function drop(m: Machine, file: Inode, range = WHOLE): boolean {
    return m.run(
      (function* (): Task<boolean> {
        return invalidateMappingPages(file, range);
      })(),
    );
  }

  it('drops what is clean and unused, and says whether that was all', () => {
    const { m, file } = machine();
    expect(drop(m, file, { first: 2, end: 4 })).toBe(true);
    expect(cached(m, file)).toEqual([0, 1, 4, 5, 6, 7]);
  });

  it('leaves what is dirty, mapped or pinned', () => {
    const { m, file } = machine();
    m.pwrite(file, 0, [1]);
    m.load(2);
    m.run(pinUserPages(m.mm, address(5), PAGE_SIZE, { write: false, longterm: true }));
    m.munmap(3, 5);
    expect(drop(m, file)).toBe(false);
    expect(cached(m, file)).toContain(0);
    expect(cached(m, file)).toContain(2);
    expect(cached(m, file)).toContain(5);
    expect(cached(m, file)).not.toContain(7);
  });

  it('leaves a large folio that reaches out of the range, which is no failure', () => {
    const m = new Machine();
    const file = m.file(32, 'hole');
    m.largeFolio(file, 0);
    m.largeFolio(file, 16);
    expect(drop(m, file, { first: 8, end: 32 })).toBe(true);
    expect(cached(m, file)).toEqual([0]);
  });
});

describe('invalidate_inode_pages2_range', () => {
  it('unmaps the rest of the range at the first page that is mapped, and drops the pages', () => {
    const { m, file } = machine();
    m.load(3);
    m.log.take();
    expect(m.run(invalidateInodePages2Range(file, { first: 2, end: 5 }))).toBe(true);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[2,5)');
    expect(cached(m, file)).toEqual([0, 1, 5, 6, 7]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('drops a page that somebody has pinned: the pin keeps a frame that is no longer the file’s', () => {
    const { m, file } = machine();
    const pins = m.run(pinUserPages(m.mm, address(3), PAGE_SIZE, { write: false, longterm: true }));
    expect(m.run(invalidateInodePages2Range(file, { first: 3, end: 4 }))).toBe(true);
    expect(file.mapping.pages.get(3)).toBe(0);
    checkInvariants(m.kernel, [m.mm], pins);
  });

  it('leaves dirty pages, and says so', () => {
    const { m, file } = machine();
    m.store(3);
    expect(m.run(invalidateInodePages2Range(file, { first: 2, end: 5 }))).toBe(false);
    expect(cached(m, file)).toEqual([0, 1, 3, 5, 6, 7]);
  });

  it('takes a large folio as a whole, mapped beyond the range or not', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    m.largeFolio(file, 0);
    m.mapFile(file);
    m.load(12);
    m.log.take();
    m.run(invalidateInodePages2Range(file, { first: 2, end: 4 }));
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[2,4) <CLEAR[0,16)');
    expect(file.mapping.pages.size).toBe(0);
  });
});
