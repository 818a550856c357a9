import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, VM_READ, VM_WRITE, clearRefs, madvise, mprotect } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function machine(mthp64k: 'always' | 'never'): Machine {
  const m = new Machine();
  m.kernel.mm.mthp64k = mthp64k;
  m.mapAnon(32);
  for (let page = 0; page < 32; page++) m.store(page, 7);
  return m;
}

/** Makes pages read-only, and writable again. */
function protectAndBack(m: Machine, first: number, pages: number): void {
  m.run(mprotect(m.mm, address(first), pages * PAGE_SIZE, VM_READ));
  m.run(mprotect(m.mm, address(first), pages * PAGE_SIZE, VM_READ | VM_WRITE));
  m.log.take();
}

describe('entries of one folio that are changed together', () => {
  it('are soft-dirty if one behind the first was written at all: a write is not noticed afterwards', () => {
    const m = machine('always');
    m.run(clearRefs(m.mm, 4));
    protectAndBack(m, 0, 32);
    m.store(3, 8);
    expect(m.log.take()).toBe('');
  });

  it('are so for themselves if they are changed alone', () => {
    const m = machine('always');
    m.run(clearRefs(m.mm, 4));
    protectAndBack(m, 3, 1);
    m.store(3, 8);
    expect(m.log.take()).toBe('w3');
  });

  it('are small folios one by one', () => {
    const m = machine('never');
    m.run(clearRefs(m.mm, 4));
    protectAndBack(m, 0, 32);
    m.store(3, 8);
    expect(m.log.take()).toBe('w3');
  });
});

describe('MADV_FREE of a part of a huge entry', () => {
  it('gives the pages up that come of it', () => {
    const m = new Machine({ memory: 32 * 2 ** 20 });
    m.mapAnon(512);
    for (const page of [3, 100, 300]) m.store(page, 7);
    m.run(madvise(m.mm, address(90), 100 * PAGE_SIZE, ADVICES.free));
    m.run(madvise(m.mm, address(0), 512 * PAGE_SIZE, ADVICES.pageout));
    expect([3, 100, 300].map((page) => m.load(page))).toEqual([7, 0, 7]);
    checkInvariants(m.kernel, [m.mm]);
  });
});
