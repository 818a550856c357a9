import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, exitMmap, forkMm, madvise, mlock, munlock } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function advise(m: Machine, advice: 'free' | 'cold', page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES[advice]));
}

/** A child comes and goes: afterwards no page is marked as this process's alone, and a write looks who refers to it. */
function forkAndExit(m: Machine): void {
  m.run(exitMmap(m.run(forkMm(m.mm, 'child'))));
}

function setUp(pages = 40): Machine {
  const m = new Machine();
  m.mapAnon(pages);
  for (let page = 0; page < pages; page++) m.store(page, 7);
  return m;
}

/** Whether a write to the page makes a copy. */
function isCopied(m: Machine, page: number): boolean {
  m.log.take();
  m.store(page, 8);
  return m.log.takeOnly(/^</) !== '';
}

describe('pages on their way to another LRU list', () => {
  it.each(['free', 'cold'] as const)('are referred to after MADV_%s, so that a write after a fork copies', (advice) => {
    const m = setUp();
    advise(m, advice, 3, 1);
    forkAndExit(m);
    expect([isCopied(m, 3), isCopied(m, 4)]).toEqual([true, false]);
  });

  it('stay so when mappings, and other pages with them, are removed', () => {
    const m = setUp();
    advise(m, 'free', 3, 1);
    m.munmap(20, 4);
    m.run(madvise(m.mm, address(24), 4 * PAGE_SIZE, ADVICES.dontneed));
    forkAndExit(m);
    expect(isCopied(m, 3)).toBe(true);
  });

  it('arrive with the next advice of that kind', () => {
    const m = setUp();
    advise(m, 'free', 3, 1);
    advise(m, 'cold', 4, 1);
    forkAndExit(m);
    expect([isCopied(m, 3), isCopied(m, 4)]).toEqual([false, true]);
    m.run(mlock(m.mm, address(39), PAGE_SIZE));
    checkInvariants(m.kernel, [m.mm]);
  });

  it('arrive 31 at a time', () => {
    const m = setUp();
    advise(m, 'free', 0, 32);
    forkAndExit(m);
    expect([isCopied(m, 30), isCopied(m, 31)]).toEqual([false, true]);
  });

  it('are not moved by MADV_COLD if MADV_FREE gave them up: they are among the oldest already', () => {
    const m = setUp();
    advise(m, 'free', 3, 1);
    advise(m, 'cold', 3, 1);
    forkAndExit(m);
    expect(isCopied(m, 3)).toBe(false);
  });

  it('arrive when a write brings a page back from the swap device', () => {
    const m = setUp();
    m.run(madvise(m.mm, address(5), PAGE_SIZE, ADVICES.pageout));
    advise(m, 'free', 3, 1);
    m.store(5);
    forkAndExit(m);
    expect(isCopied(m, 3)).toBe(false);
  });

  it('arrive when a page that is new to the LRU is written to after a fork', () => {
    const m = setUp();
    advise(m, 'cold', 3, 1);
    m.run(madvise(m.mm, address(39), PAGE_SIZE, ADVICES.dontneed));
    m.store(39);
    forkAndExit(m);
    expect([isCopied(m, 39), isCopied(m, 3)]).toEqual([false, false]);
  });

  it('do not if that page has so many users that it has to be copied anyhow', () => {
    const m = setUp();
    advise(m, 'cold', 3, 1);
    m.run(madvise(m.mm, address(39), PAGE_SIZE, ADVICES.dontneed));
    m.store(39);
    const children = [1, 2].map((child) => m.run(forkMm(m.mm, String(child))));
    expect(isCopied(m, 39)).toBe(true);
    for (const child of children) m.run(exitMmap(child));
    expect(isCopied(m, 3)).toBe(true);
  });

  it('arrive when a part of a mapping is locked, or no longer', () => {
    const m = setUp();
    m.run(mlock(m.mm, address(30), PAGE_SIZE));
    advise(m, 'cold', 3, 1);
    m.run(munlock(m.mm, address(30), PAGE_SIZE));
    forkAndExit(m);
    expect(isCopied(m, 3)).toBe(false);
  });
});
