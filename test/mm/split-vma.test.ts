import { PAGE_SIZE } from '../../src/base/index.js';
import { MS, type Task } from '../../src/engine/index.js';
import { PTE_DIRTY, folioMkclean, pteWritable } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

describe('a mapping that is split', () => {
  it('shows the same pages of its file on both sides of the border', () => {
    const m = new Machine();
    const file = m.file(32);
    m.pwrite(file, 9 * PAGE_SIZE, [9]);
    m.pwrite(file, 14 * PAGE_SIZE, [14]);
    m.mapFile(file, { pages: 16, offset: 4 });
    m.munmap(6, 2);
    expect([m.load(5), m.load(6), m.load(10)]).toEqual([9, 'SIGSEGV', 14]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps its anonymous pages in one family, so that reverse mapping finds them', () => {
    const m = new Machine();
    const lower = m.mapAnon(16);
    m.store(2);
    m.store(12);
    m.munmap(6, 2);
    const upper = m.mm.vmas.at(address(12));
    expect(upper?.anonVma).toBe(lower.anonVma);
    expect(lower.anonVma?.vmas.values()).toEqual([lower, upper]);
    m.munmap(0, 6);
    expect(upper?.anonVma?.vmas.values()).toEqual([upper]);
  });

  it('is met by a reverse mapping walk as the one or as the two: no page escapes mkclean meanwhile', () => {
    const m = new Machine();
    const file = m.file(1024);
    m.mapFile(file);
    m.store(700);
    // A device that keeps the split waiting, after the walk of another task has begun to wait for it.
    m.kernel.invalidations$.subscribe((range) => {
      range.hold(
        'slow NIC',
        (function* (): Task {
          yield 1 * MS;
        })(),
      );
    });
    m.log.take();
    m.simulation.spawn('munmap', m.kernel.munmap(m.process, address(0), 600 * PAGE_SIZE));
    m.simulation.spawn('fsync', m.kernel.fsync(file));
    m.simulation.run();
    expect(m.log.takeOnly(/^[<>tc]/)).toBe(
      '<CLEAR[512,1024)> <UNMAP[0,600) <PROTECTION_PAGE[700,701)> t[700,701)> clean#700(1)',
    );
    expect(pteWritable(m.pte(700))).toBe(false);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a split that is not on a border of 2 MiB', () => {
  // Recorded in sparse_big: Linux does not look whether there is a huge page.
  it('says CLEAR of the 2 MiB around it, per border, though all pages are small', () => {
    const m = new Machine();
    m.mapFile(m.file(2048));
    m.store(1100);
    m.log.take();
    m.munmap(1000, 500);
    expect(m.log.take()).toBe('<CLEAR[512,1024)> <CLEAR[1024,1536)> <UNMAP[1000,1500) t[1100,1101)>');
  });

  it('says nothing on a border of 2 MiB', () => {
    const m = new Machine();
    m.mapAnon(2048);
    m.store(600);
    m.log.take();
    m.munmap(512, 512);
    expect(m.log.take()).toBe('<UNMAP[512,1024)> t[512,1024)');
  });

  it('says nothing if the mapping does not hold the whole 2 MiB', () => {
    const m = new Machine();
    m.mapAnon(511);
    m.store(5);
    m.log.take();
    m.munmap(100, 1);
    expect(m.log.take()).toBe('<UNMAP[100,101)>');
  });

  it('says nothing if nothing was ever faulted in within the gigabyte', () => {
    const m = new Machine();
    m.mapAnon(2048);
    m.munmap(1000, 500);
    expect(m.log.take()).toBe('<UNMAP[1000,1500)>');
  });
});

describe('folio_mkclean behind a split', () => {
  it('reaches the part of a mapping that the split made', () => {
    const m = new Machine();
    const file = m.file(16);
    m.mapFile(file);
    m.store(12);
    m.munmap(4, 4);
    m.log.take();
    const folio = file.mapping.pages.get(12);
    m.run(
      (function* (): Task {
        yield* m.memory.lockFolio(folio);
        yield* folioMkclean(m.kernel.mm, folio, { deviceWaitNs: 0 });
        m.memory.unlockFolio(folio);
      })(),
    );
    expect(m.log.take()).toBe('<PROTECTION_PAGE[12,13) t[12,13)> clean#12(1)');
    expect(m.pte(12) & PTE_DIRTY).toBe(0);
  });
});
