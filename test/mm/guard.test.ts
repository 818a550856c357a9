import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, forkMm, madvise, userLoad } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

function advise(m: Machine, advice: keyof typeof ADVICES, page: number, pages: number): void {
  m.run(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES[advice]));
}

describe('guard pages', () => {
  it('are a SIGSEGV for every access; installing them tells drivers only where pages are mapped', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1);
    m.log.take();
    advise(m, 'guard_install', 2, 2);
    expect(m.log.take()).toBe('');
    advise(m, 'guard_install', 0, 2);
    expect(m.log.take()).toBe('<CLEAR[0,2)> t[1,2)');
    expect([m.load(0), m.store(3)]).toEqual(['SIGSEGV', 'SIGSEGV']);
    advise(m, 'guard_remove', 0, 4);
    expect([m.load(1), m.store(3)]).toEqual([0, null]);
  });

  // Recorded in 0283-btrfsbig: VM_MAYBE_GUARD makes fork copy a mapping that could be faulted in again.
  it("in a mapping of a file are a child's too, and so are the entries beside them", () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(0, 7);
    advise(m, 'guard_install', 2, 1);
    const child = m.run(forkMm(m.mm, 'child'));
    expect(m.memory.frames.folioMapcount(file.mapping.pages.get(0))).toBe(2);
    expect(m.run(userLoad(child, address(2), new Uint8Array(1)))).toBe('SIGSEGV');
  });

  it('leave a mapping in one piece that they are in a part of', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    advise(m, 'guard_install', 0, 1);
    advise(m, 'random', 0, 2);
    advise(m, 'normal', 0, 2);
    expect([...m.mm.vmas]).toHaveLength(1);
  });
});
