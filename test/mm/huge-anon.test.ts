import { PTE_NONE, pteFrame } from '../../src/mm/index.js';
import { pageOf } from '../../src/base/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

describe('anonymous memory that spans 2 MiB', () => {
  it('is mapped by a huge entry at the first write, which says nothing', () => {
    const m = new Machine();
    m.mapAnon(1024);
    m.store(700, 7);
    expect(m.mm.pageTable.huge(pageOf(address(512)))).not.toBe(PTE_NONE);
    expect(m.memory.frames.pages(m.memory.frames.folioOf(pteFrame(m.pte(1023))))).toBe(512);
    expect(m.log.take()).toBe('w700');
    expect([m.load(700), m.load(701)]).toEqual([7, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('shows the huge zero folio after a read; the first write replaces all of it', () => {
    const m = new Machine();
    m.mapAnon(512);
    expect(m.load(3)).toBe(0);
    m.log.take();
    m.store(4);
    expect(m.log.take()).toBe('<CLEAR[0,512) t[0,512)> w4');
    expect(m.mm.pageTable.huge(pageOf(address(0)))).not.toBe(PTE_NONE);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('makes do with pages where memory has no 2 MiB in one piece; nothing is reclaimed for that', () => {
    const m = new Machine({ memory: 4 * 2 ** 20 });
    let reclaims = 0;
    m.kernel.mm.reclaimer = function* () {
      reclaims++;
      return 0;
    };
    m.mapAnon(1024);
    m.store(0);
    m.store(512);
    expect(m.mm.pageTable.huge(pageOf(address(0)))).not.toBe(PTE_NONE);
    expect(m.mm.pageTable.huge(pageOf(address(512)))).toBe(PTE_NONE);
    expect([m.load(512), reclaims]).toEqual([1, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });
});
