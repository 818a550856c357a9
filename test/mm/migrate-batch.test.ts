import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, madvise, pteFrame } from '../../src/mm/index.js';
import { migratePages } from '../../src/mm/migrate.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** Folios of 16 pages of anonymous memory, all written to. */
function setUp(folios: number): Machine {
  const m = new Machine();
  m.kernel.mm.mthp64k = 'always';
  m.mapAnon(16 * folios);
  for (let page = 0; page < 16 * folios; page++) m.store(page, 1 + page);
  m.log.take();
  return m;
}

function folioAt(m: Machine, page: number): number {
  return m.memory.frames.folioOf(pteFrame(m.pte(page)));
}

/** Migrates the folios of pages. @returns how many stayed, and who was told */
function migrate(m: Machine, ...pages: number[]): { readonly left: number; readonly told: string } {
  const folios = pages.map((page) => folioAt(m, page));
  for (const folio of folios) m.memory.frames.get(folio);
  m.log.take();
  const left = m.run(migratePages(m.kernel.mm, folios, 0));
  return { left, told: m.log.takeOnly(/^</) };
}

function pin(m: Machine, page: number): void {
  m.memory.frames.pin(pteFrame(m.pte(page)));
}

describe('a list of folios that migrates', () => {
  it('is unmapped folio by folio', () => {
    expect(migrate(setUp(2), 0, 16)).toEqual({ left: 0, told: '<CLEAR[0,16) <CLEAR[16,32)' });
  });

  it('tells nobody of a folio that nothing maps', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    m.memory.frames.get(folio);
    expect(m.run(migratePages(m.kernel.mm, [folio], 0))).toBe(0);
    expect(file.mapping.pages.get(0)).not.toBe(folio);
    expect(m.log.take()).toBe('');
  });

  it('drops what was freed meanwhile', () => {
    const m = setUp(1);
    const folio = folioAt(m, 0);
    m.memory.frames.get(folio);
    m.munmap(0, 16);
    m.log.take();
    expect(m.run(migratePages(m.kernel.mm, [folio], 0))).toBe(0);
    expect(m.log.take()).toBe('');
    expect(m.memory.frames.isAllocated(folio)).toBe(false);
  });

  it('tries a folio that cannot be unmapped three times with the others, then seven times alone', () => {
    const m = setUp(2);
    m.mapAnon(1, { at: 64 });
    m.store(64);
    pin(m, 64);
    const { left, told } = migrate(m, 64, 0);
    expect(left).toBe(1);
    const [first, second, ...rest] = told.split(' ');
    expect([first, second]).toEqual(['<CLEAR[64,65)', '<CLEAR[0,16)']);
    expect(rest).toEqual(new Array<string>(9).fill('<CLEAR[64,65)'));
    m.memory.unpin(pteFrame(m.pte(64)));
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a large folio that has been unmapped page by page', () => {
  it('is split when it is to migrate, and its pages migrate one by one, the first one last', () => {
    const m = setUp(1);
    m.munmap(15, 1);
    const { left, told } = migrate(m, 0);
    const pages = [...Array.from({ length: 14 }, (_, i) => i + 1), 0];
    expect(left).toBe(0);
    expect(told).toBe(['<CLEAR[0,15)', ...pages.map((page) => `<CLEAR[${page},${page + 1})`)].join(' '));
    expect([m.load(0), m.load(14)]).toEqual([1, 15]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('counts as unmapped so after a migration too, although that mapped all of it again', () => {
    const m = setUp(1);
    expect(migrate(m, 0).told).toBe('<CLEAR[0,16)');
    expect(m.memory.frames.pages(folioAt(m, 0))).toBe(16);
    expect(migrate(m, 0).told).toMatch(/^<CLEAR\[0,16\) <CLEAR\[1,2\) .* <CLEAR\[15,16\) <CLEAR\[0,1\)$/);
    expect(m.memory.frames.pages(folioAt(m, 0))).toBe(1);
  });

  it('stays whole if it is pinned', () => {
    const m = setUp(1);
    m.munmap(15, 1);
    pin(m, 0);
    const { left, told } = migrate(m, 0);
    expect(left).toBe(1);
    expect(told.split(' ')).toEqual(new Array<string>(10).fill('<CLEAR[0,15)'));
    m.memory.unpin(pteFrame(m.pte(0)));
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is split by PAGEOUT, which goes on with the first page and then from the last one on', () => {
    const m = setUp(2);
    migrate(m, 0);
    m.run(madvise(m.mm, address(0), 32 * PAGE_SIZE, ADVICES.pageout));
    const pages = [0, ...Array.from({ length: 15 }, (_, i) => 15 - i)];
    const told = ['<CLEAR[0,16)', ...pages.map((page) => `<CLEAR[${page},${page + 1})`), '<CLEAR[16,32)'];
    expect(m.log.takeOnly(/^</)).toBe(told.join(' '));
    expect([m.load(0), m.load(15), m.load(31)]).toEqual([1, 16, 32]);
    checkInvariants(m.kernel, [m.mm]);
  });
});
