import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, clearRefs, exitMmap, forkMm, madvise, munmap, pteFrame } from '../../src/mm/index.js';
import { migratePages } from '../../src/mm/migrate.js';
import { userLoad } from '../../src/mm/user-access.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** Pages of folios of 64 KiB, or small ones, that have gone to the swap device. */
function swappedOut(mthp64k: 'always' | 'never', pages = 32): Machine {
  const m = new Machine();
  m.kernel.mm.mthp64k = mthp64k;
  m.mapAnon(pages);
  for (let page = 0; page < pages; page++) m.store(page, page);
  m.run(madvise(m.mm, address(0), pages * PAGE_SIZE, ADVICES.pageout));
  m.log.take();
  return m;
}

/** Sizes of the folios behind some pages; 0 for a page that is not mapped. */
function foliosOf(m: Machine, pages: readonly number[]): number[] {
  const { frames } = m.memory;
  return pages.map((page) => {
    const pte = m.mm.pageTable.get(address(page) / PAGE_SIZE);
    return (pte & 1) === 0 ? 0 : frames.pages(frames.folioOf(pte >>> 6));
  });
}

describe('a page that comes back from the swap device', () => {
  it('brings the rest of its folio along', () => {
    const m = swappedOut('always');
    expect([m.load(5), m.load(6), m.load(15)]).toEqual([5, 6, 15]);
    expect(m.log.take()).toBe('r5');
    expect(foliosOf(m, [0, 15, 16])).toEqual([16, 16, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('comes alone if a part of the folio is gone, or says something else', () => {
    const m = swappedOut('always');
    m.run(munmap(m.mm, address(3), PAGE_SIZE));
    expect([m.load(5), m.load(20)]).toEqual([5, 20]);
    expect(foliosOf(m, [4, 5, 16, 20])).toEqual([0, 1, 16, 16]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('comes alone if 64 KiB are not wanted any more', () => {
    const m = swappedOut('always');
    m.kernel.mm.mthp64k = 'never';
    m.load(5);
    expect(foliosOf(m, [4, 5])).toEqual([0, 1]);
  });

  it('is written to without another fault, and so are its neighbours', () => {
    const m = swappedOut('always');
    m.store(5, 99);
    m.store(6, 98);
    expect(m.log.take()).toBe('w5');
    expect([m.load(5), m.load(6)]).toEqual([99, 98]);
  });

  it('is read-only after a read where soft-dirty bits were reset', () => {
    const m = swappedOut('always');
    m.run(clearRefs(m.mm, 4));
    m.log.take();
    m.load(5);
    m.store(6, 98);
    expect(m.log.takeOnly(/^[rw]/)).toBe('r5 w6');
  });

  it('is shared with a child that has it too: a write makes a copy, until the child is gone', () => {
    const m = swappedOut('never');
    const child = m.run(forkMm(m.mm, 'child'));
    m.run(userLoad(child, address(5), new Uint8Array(1)));
    m.load(5);
    m.load(6);
    m.log.take();
    m.store(5, 99);
    m.run(exitMmap(child));
    m.store(6, 98);
    expect(m.log.takeOnly(/^[<rw]/)).toBe('<CLEAR[5,6) w5 <UNMAP[all) w6');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('moves from node to node while others have it swapped out, who find it where it is then', () => {
    const m = swappedOut('never');
    const child = m.run(forkMm(m.mm, 'child'));
    m.load(5);
    const frame = pteFrame(m.pte(5));
    m.memory.frames.get(frame);
    expect(m.run(migratePages(m.kernel.mm, [frame], 0))).toBe(0);
    expect(pteFrame(m.pte(5))).not.toBe(frame);
    const byte = new Uint8Array(1);
    m.run(userLoad(child, address(5), byte));
    expect([byte[0], pteFrame(child.pageTable.get(address(5) / PAGE_SIZE))]).toEqual([5, pteFrame(m.pte(5))]);
    checkInvariants(m.kernel, [m.mm, child]);
  });
});
