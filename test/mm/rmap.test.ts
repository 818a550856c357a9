import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import {
  PG_DIRTY,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_WRITE,
  folioMkclean,
  folioReferenced,
  pteFrame,
  ptePresent,
  tryToUnmap,
} from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** folio_mkclean, under the folio lock as it has to be. */
function mkclean(m: Machine, folio: number): { cleaned: number; deviceWaitNs: number } {
  const cost = { deviceWaitNs: 0 };
  const cleaned = m.run(
    (function* (): Task<number> {
      yield* m.memory.lockFolio(folio);
      const count = yield* folioMkclean(m.kernel.mm, folio, cost);
      m.memory.unlockFolio(folio);
      return count;
    })(),
  );
  return { cleaned, ...cost };
}

function unmap(m: Machine, folio: number): boolean {
  return m.run(
    (function* (): Task<boolean> {
      m.memory.frames.get(folio);
      yield* m.memory.lockFolio(folio);
      const gone = yield* tryToUnmap(m.kernel.mm, folio);
      m.memory.unlockFolio(folio);
      m.memory.put(folio);
      return gone;
    })(),
  );
}

describe('folio_mkclean', () => {
  it('says PROTECTION_PAGE and makes the entry clean and read-only', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    m.log.take();
    expect(mkclean(m, file.mapping.pages.get(2)).cleaned).toBe(1);
    expect(m.log.take()).toBe('<PROTECTION_PAGE[2,3) t[2,3)> clean#2(1)');
    expect(m.pte(2) & (PTE_WRITE | PTE_DIRTY)).toBe(0);
    expect(ptePresent(m.pte(2))).toBe(true);
  });

  it('tells every shared mapping of the file, whether the page is mapped there or not, and no private one', () => {
    const m = new Machine();
    const file = m.file(16);
    const other = m.kernel.createProcess('other');
    m.mapFile(file);
    m.mapFile(file, { at: 100, share: 'private' });
    m.mapFile(file, { at: 200, pages: 8, offset: 4 });
    m.mapFileOf(other, file, { at: 300, pages: 4, offset: 4 });
    m.store(5);
    m.load(105);
    m.run(m.storing(301, 1, other));
    m.log.take();
    expect(mkclean(m, file.mapping.pages.get(5)).cleaned).toBe(2);
    expect(m.log.take()).toBe(
      '<PROTECTION_PAGE[5,6) t[5,6)> <PROTECTION_PAGE[201,202)> <PROTECTION_PAGE[301,302) t[301,302)> clean#5(2)',
    );
  });

  it('says nothing if no entry maps the folio', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    m.run(m.kernel.madviseDontneed(m.process, address(2), PAGE_SIZE));
    m.log.take();
    expect(mkclean(m, file.mapping.pages.get(2)).cleaned).toBe(0);
    expect(m.log.take()).toBe('');
  });

  it('tells drivers of a page that is mapped read-only and clean, though there is nothing to be done', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.load(2);
    m.log.take();
    expect(mkclean(m, file.mapping.pages.get(2)).cleaned).toBe(0);
    expect(m.log.take()).toBe('<PROTECTION_PAGE[2,3)>');
  });

  it('waits for the devices before it touches the entry, and adds up how long', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.mapFile(file, { at: 100 });
    m.store(2);
    const writable: boolean[] = [];
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'nic',
        (function* (): Task {
          yield 3 * MS;
          writable.push((m.pte(2) & PTE_WRITE) !== 0);
        })(),
      );
    });
    expect(mkclean(m, file.mapping.pages.get(2))).toEqual({ cleaned: 1, deviceWaitNs: 6 * MS });
    expect(writable).toEqual([true, false]);
  });

  it('takes the time of a TLB flush per entry', () => {
    const m = new Machine({ costs: { minorFault: 0, pageMkwrite: 0, pteFlush: 200 } });
    const file = m.file(1, 'hole');
    m.mapFile(file);
    m.mapFile(file, { at: 100 });
    m.store(0);
    m.store(100);
    mkclean(m, file.mapping.pages.get(0));
    expect(m.simulation.now).toBe(400);
  });
});

describe('folio_mkclean of a large folio', () => {
  it('is one event over the whole folio, although one page was dirty', () => {
    const m = new Machine();
    const file = m.file(32, 'hole');
    const folio = m.largeFolio(file, 16);
    m.mapFile(file);
    for (const page of [17, 20, 31]) m.load(page);
    m.store(20);
    m.log.take();
    expect(mkclean(m, folio).cleaned).toBe(1);
    expect(m.log.take()).toBe('<PROTECTION_PAGE[16,32) t[20,21)> clean#16(1)');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is clipped to each mapping: a folio over three mappings is three events', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    m.mapFile(file, { at: 0, pages: 4, prot: 'r' });
    m.mapFile(file, { at: 4, pages: 6, offset: 4 });
    m.mapFile(file, { at: 10, pages: 6, offset: 10, prot: 'r' });
    m.store(5);
    m.log.take();
    mkclean(m, folio);
    expect(m.log.take()).toBe(
      '<PROTECTION_PAGE[0,4)> <PROTECTION_PAGE[4,10) t[5,6)> <PROTECTION_PAGE[10,16)> clean#0(1)',
    );
  });
});

describe('try_to_unmap', () => {
  it('says CLEAR per mapping, private ones too, and ends with the last entry', () => {
    const m = new Machine();
    const file = m.file(16);
    m.mapFile(file);
    m.mapFile(file, { at: 100, share: 'private' });
    m.mapFile(file, { at: 200 });
    m.load(5);
    m.load(105);
    m.log.take();
    expect(unmap(m, file.mapping.pages.get(5))).toBe(true);
    expect(m.log.take()).toBe('<CLEAR[5,6) t[5,6)> <CLEAR[105,106) t[105,106)>');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('hands the dirty bits over', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.store(0);
    const folio = file.mapping.pages.get(0);
    // As after a writeback that has cleared the flag and not yet seen the entry.
    m.memory.frames.clear(folio, PG_DIRTY);
    file.mapping.pages.clearMark(0, 'dirty');
    unmap(m, folio);
    expect([m.memory.frames.has(folio, PG_DIRTY), file.mapping.pages.hasMark(0, 'dirty')]).toEqual([true, true]);
  });

  it('leaves alone what a private mapping has in the place of the page', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file, { share: 'private' });
    m.store(0, 7);
    unmap(m, file.mapping.pages.get(0));
    expect(m.load(0)).toBe(7);
  });

  it('of a large folio is one event, and removes every entry', () => {
    const m = new Machine();
    const file = m.file(16, 'hole');
    const folio = m.largeFolio(file, 0);
    m.mapFile(file);
    m.load(3);
    m.store(9);
    m.log.take();
    expect(unmap(m, folio)).toBe(true);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[0,16)>');
    expect(m.memory.frames.folioMapcount(folio)).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('finds anonymous pages, in a private file mapping too', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapFile(m.file(16), { at: 100, pages: 4, offset: 8, share: 'private' });
    m.store(2);
    m.store(103);
    for (const [page, range] of [
      [2, '[2,3)'],
      [103, '[103,104)'],
    ] as const) {
      const folio = pteFrame(m.pte(page));
      m.memory.frames.get(folio);
      m.log.take();
      expect(unmap(m, folio)).toBe(true);
      expect(m.log.take()).toBe(`<CLEAR${range} t${range}>`);
      m.memory.put(folio);
    }
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('folio_referenced', () => {
  it('says whether a CPU used the folio since it was asked last', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    const folio = file.mapping.pages.get(0);
    expect([folioReferenced(m.kernel.mm, folio), folioReferenced(m.kernel.mm, folio)]).toEqual([true, false]);
    expect(m.pte(0) & PTE_ACCESSED).toBe(0);
    m.load(0);
    expect(folioReferenced(m.kernel.mm, folio)).toBe(true);
  });

  it('asks the classic notifiers for their devices, as recorded in reclaim_cgroup: clear_young, page by page; interval notifiers have no say', () => {
    const m = new Machine();
    const file = m.file(1);
    m.mapFile(file);
    m.load(0);
    const folio = file.mapping.pages.get(0);
    folioReferenced(m.kernel.mm, folio);
    m.mm.notifiers.insertInterval(address(0), PAGE_SIZE, { name: 'odp', invalidate: () => undefined });
    expect(folioReferenced(m.kernel.mm, folio)).toBe(false);
    const asked: number[] = [];
    m.mm.notifiers.register({
      name: 'kvm',
      clearYoung: (_mm, start) => asked.push(start) > 0,
      clearFlushYoung: () => {
        throw new Error('nobody flushes here');
      },
    });
    expect(folioReferenced(m.kernel.mm, folio)).toBe(true);
    expect(asked).toEqual([address(0)]);
  });
});
