import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, madvise, mlock, mremap } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

/** Four pages of a mapping, of which the file has two. */
function machine(share: 'shared' | 'private'): Machine {
  const m = new Machine();
  m.mapFile(m.file(2), { pages: 4, share });
  m.load(0);
  m.log.take();
  return m;
}

// Recorded: a call that has populated something says how much; only the next says what stopped it, and faults again.
describe('populating behind the end of a file', () => {
  it('faults twice at the page that has nothing, once if nothing comes before it', () => {
    const m = machine('shared');
    const populate = (page: number, pages: number): string | null =>
      m.errno(madvise(m.mm, address(page), pages * PAGE_SIZE, ADVICES.populate_read));
    expect(populate(0, 4)).toBe('EFAULT');
    expect(m.log.take()).toBe('r2(SIGBUS) r2(SIGBUS)');
    expect(populate(2, 2)).toBe('EFAULT');
    expect(m.log.take()).toBe('r2(SIGBUS)');
  });

  it('by mlock is for writing where the mapping is private, and ENOMEM', () => {
    const m = machine('private');
    expect(m.errno(mlock(m.mm, address(0), 4 * PAGE_SIZE))).toBe('ENOMEM');
    expect(m.log.takeOnly(/^[wr]/)).toBe('w0 w1 w2(SIGBUS) w2(SIGBUS)');
  });

  it('by mremap of locked memory is no error', () => {
    const m = machine('shared');
    m.run(mlock(m.mm, address(0), 2 * PAGE_SIZE));
    expect(m.errno(mremap(m.mm, address(0), 2 * PAGE_SIZE, 6 * PAGE_SIZE, { to: address(100) }))).toBeNull();
    expect(m.log.takeOnly(/^[wr]/)).toBe('r102(SIGBUS)');
  });
});
