import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, PTE_ACCESSED, clearRefs, madvise, mlock, munlock, type AdviceAction } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** 8 anonymous pages, each written. */
function written(): Machine {
  const m = new Machine();
  m.mapAnon(8);
  for (let page = 0; page < 8; page++) m.store(page, 10 + page);
  m.log.take();
  return m;
}

function advise(m: Machine, first: number, pages: number, advice: AdviceAction): void {
  m.run(madvise(m.mm, address(first), pages * PAGE_SIZE, advice));
}

describe('MADV_FREE', () => {
  it('is told over the range, and the data stay until they are reclaimed', () => {
    const m = written();
    advise(m, 2, 4, ADVICES.free);
    expect(m.log.take()).toBe('<CLEAR[2,6)> t[2,6)');
    expect(m.load(3)).toBe(13);
  });

  it('gives up pages that nobody has written since, and keeps those that somebody has', () => {
    const m = written();
    advise(m, 2, 4, ADVICES.free);
    m.store(3, 99);
    advise(m, 2, 4, ADVICES.pageout);
    expect([m.load(2), m.load(3), m.load(4)]).toEqual([0, 99, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is EINVAL for files and locked memory', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.mapAnon(4, { at: 16 });
    m.run(mlock(m.mm, address(16), 4 * PAGE_SIZE));
    expect(m.errno(madvise(m.mm, address(0), PAGE_SIZE, ADVICES.free))).toBe('EINVAL');
    expect(m.errno(madvise(m.mm, address(16), PAGE_SIZE, ADVICES.free))).toBe('EINVAL');
  });
});

describe('MADV_PAGEOUT', () => {
  it('tells of each page, and each comes back from the swap device with a fault that nobody is told of', () => {
    const m = written();
    advise(m, 2, 2, ADVICES.pageout);
    expect(m.log.take()).toBe('<CLEAR[2,3) t[2,3)> <CLEAR[3,4) t[3,4)>');
    expect(m.load(2)).toBe(12);
    expect(m.log.take()).toBe('r2');
    m.store(2, 5);
    expect(m.log.take()).toBe('');
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('MADV_COLD', () => {
  it('forgets that pages were used, which is not told but to secondary TLBs', () => {
    const m = written();
    advise(m, 2, 2, ADVICES.cold);
    expect(m.log.take()).toBe('t[2,4)');
    expect(m.pte(2) & PTE_ACCESSED).toBe(0);
    expect(m.load(2)).toBe(12);
  });
});

describe('guard pages', () => {
  it('replace what is mapped, told once; where nothing is, nobody is told', () => {
    const m = written();
    advise(m, 2, 2, ADVICES.guard_install);
    expect(m.log.takeOnly(/CLEAR|>/)).toBe('<CLEAR[2,4)>');
    expect([m.load(2), m.store(3)]).toEqual(['SIGSEGV', 'SIGSEGV']);
    m.log.take();
    advise(m, 2, 2, ADVICES.guard_install);
    advise(m, 2, 2, ADVICES.guard_remove);
    expect(m.log.take()).toBe('');
    expect(m.load(2)).toBe(0);
  });

  it('outlive MADV_DONTNEED', () => {
    const m = written();
    advise(m, 2, 2, ADVICES.guard_install);
    advise(m, 0, 8, ADVICES.dontneed);
    expect([m.load(1), m.load(2)]).toEqual([0, 'SIGSEGV']);
  });
});

describe('mlock', () => {
  it('faults pages in, writable where the mapping is private, and keeps them from being dropped', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.run(mlock(m.mm, address(0), 4 * PAGE_SIZE));
    expect(m.log.take()).toBe('w0 w1 w2 w3');
    expect(m.errno(madvise(m.mm, address(0), PAGE_SIZE, ADVICES.dontneed))).toBe('EINVAL');
    advise(m, 0, 1, ADVICES.dontneed_locked);
    m.run(munlock(m.mm, address(0), 4 * PAGE_SIZE));
    advise(m, 0, 4, ADVICES.dontneed);
  });

  it('is ENOMEM where nothing is mapped', () => {
    const m = new Machine();
    m.mapAnon(2);
    expect(m.errno(mlock(m.mm, address(0), 4 * PAGE_SIZE))).toBe('ENOMEM');
  });
});

describe('clear_refs', () => {
  it('4 takes all write rights away, told once for the whole address space; the next write is a fault', () => {
    const m = written();
    m.run(clearRefs(m.mm, 4));
    expect(m.log.take()).toBe('<SOFT_DIRTY[all) t[all)>');
    m.store(3);
    expect(m.log.take()).toBe('w3');
  });

  it('1 forgets that pages were used, and tells nobody', () => {
    const m = written();
    m.run(clearRefs(m.mm, 1));
    expect(m.log.take()).toBe('');
    expect(m.pte(3) & PTE_ACCESSED).toBe(0);
  });
});

describe('folios of 64 KiB', () => {
  it('are mapped by the first write, all of them, and split when a part is to go', () => {
    const m = new Machine();
    m.kernel.mm.mthp64k = 'always';
    m.mapAnon(32);
    m.store(3);
    expect(m.memory.frames.pages(m.memory.frames.folioOf(m.pte(15) >>> 6))).toBe(16);
    m.store(10);
    expect(m.log.take()).toBe('w3');
    advise(m, 0, 2, ADVICES.pageout);
    expect(m.log.takeOnly(/CLEAR|>/)).toContain('<CLEAR[0,16)');
    expect(m.load(0)).toBe(0);
    expect(m.load(3)).toBe(1);
    checkInvariants(m.kernel, [m.mm]);
  });
});
