import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, madvise, pinUserPages, unpinUserPages } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function advise(m: Machine, advice: 'free' | 'pageout', page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES[advice]));
}

/** Anonymous pages of one folio of 64 KiB, or of small ones, that MADV_FREE gave up. */
function givenUp(mthp64k: 'always' | 'never'): Machine {
  const m = new Machine();
  m.kernel.mm.mthp64k = mthp64k;
  m.mapAnon(16);
  for (let page = 0; page < 16; page++) m.store(page, 7);
  advise(m, 'free', 0, 16);
  return m;
}

const PIN = { write: false, longterm: true } as const;

describe('MADV_PAGEOUT of pages that MADV_FREE gave up', () => {
  it('drops those that are clean, and keeps what was written since', () => {
    const m = givenUp('never');
    m.store(3, 8);
    advise(m, 'pageout', 0, 16);
    expect([m.load(2), m.load(3), m.load(4)]).toEqual([0, 8, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps a large folio of which one page was written as a whole', () => {
    const m = givenUp('always');
    m.store(3, 8);
    m.log.take();
    advise(m, 'pageout', 0, 16);
    expect(m.log.takeOnly(/[<>]/)).toBe('<CLEAR[0,16)>');
    expect([m.load(2), m.load(3), m.load(4)]).toEqual([7, 8, 7]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('tells of a pinned page, and keeps it', () => {
    const m = givenUp('never');
    const pin = m.run(pinUserPages(m.mm, address(3), PAGE_SIZE, PIN));
    m.log.take();
    advise(m, 'pageout', 3, 2);
    expect(m.log.takeOnly(/[<>]/)).toBe('<CLEAR[3,4)> <CLEAR[4,5)>');
    expect([m.load(3), m.load(4)]).toEqual([7, 0]);
    unpinUserPages(m.kernel.mm, pin);
    checkInvariants(m.kernel, [m.mm]);
  });
});
