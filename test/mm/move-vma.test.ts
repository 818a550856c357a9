import { PAGE_SIZE } from '../../src/base/index.js';
import { VM_LOCKED, mlock, mremap } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { BASE, Machine, address } from '../support/machine.js';

/** Mappings as [first, end), with L for locked ones. */
function mappings(m: Machine): string {
  const pages = (at: number): string => String((at - BASE) / PAGE_SIZE);
  return [...m.mm.vmas]
    .map((vma) => `[${pages(vma.start)},${pages(vma.end)})${vma.has(VM_LOCKED) ? 'L' : ''}`)
    .join(' ');
}

describe('mremap with DONTUNMAP', () => {
  it('leaves an empty mapping behind', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1, 7);
    m.run(mremap(m.mm, address(1), PAGE_SIZE, PAGE_SIZE, { to: address(16), dontunmap: true }));
    expect(mappings(m)).toBe('[0,4) [16,17)');
    expect([m.load(1), m.load(16)]).toEqual([0, 7]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('unlocks what it leaves behind, and no more of the mapping', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.run(mlock(m.mm, address(0), 4 * PAGE_SIZE));
    m.run(mremap(m.mm, address(1), PAGE_SIZE, PAGE_SIZE, { to: address(16), dontunmap: true }));
    expect(mappings(m)).toBe('[0,1)L [1,2) [2,4)L [16,17)L');
    checkInvariants(m.kernel, [m.mm]);
  });
});
