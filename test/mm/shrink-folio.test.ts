import { PAGE_SIZE } from '../../src/base/index.js';
import { ADVICES, madvise } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function pageout(m: Machine, pages: number): void {
  m.run(madvise(m.mm, address(0), pages * PAGE_SIZE, ADVICES.pageout));
}

describe('PAGEOUT of pages of a file', () => {
  it('drops clean ones and leaves dirty ones in the cache, without their mappings', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.load(0);
    m.store(2, 7);
    m.log.take();
    pageout(m, 4);
    expect(m.log.takeOnly(/^</)).toBe('<CLEAR[0,1) <CLEAR[1,2) <CLEAR[2,3) <CLEAR[3,4)');
    expect([0, 1, 2, 3].map((page) => file.mapping.pages.get(page) !== 0)).toEqual([false, false, true, false]);
    expect(m.load(2)).toBe(7);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('has faults on other pages pass a dirty one over: the mark that reclaim wants it back reads as one of readahead', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.store(2);
    pageout(m, 4);
    m.load(0);
    m.log.take();
    m.load(1);
    m.load(2);
    expect(m.log.takeOnly(/^r/)).toBe('r2');
  });

  it('does so until the page has been written', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    pageout(m, 4);
    m.fsync(file);
    m.load(0);
    m.log.take();
    m.load(2);
    expect(m.log.take()).toBe('');
  });

  it('does so until the page is dirtied again', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file);
    m.store(2);
    pageout(m, 4);
    m.store(2);
    m.run(m.kernel.madviseDontneed(m.process, address(0), 4 * PAGE_SIZE));
    m.load(0);
    m.log.take();
    m.load(2);
    expect(m.log.take()).toBe('');
  });
});
