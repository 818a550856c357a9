import { PAGE_SIZE, pageOf } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { PTE_SOFT_DIRTY, clearRefs, mlock, mremap, type MremapOptions } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function moved(m: Machine, page: number, pages: number, wanted: number, options: MremapOptions = {}): Task {
  return mremap(m.mm, address(page), pages * PAGE_SIZE, wanted * PAGE_SIZE, options);
}

function mappings(m: Machine): string[] {
  const page = (at: number): number => (at - address(0)) / PAGE_SIZE;
  return [...m.mm.vmas].map((vma) => `[${String(page(vma.start))},${String(page(vma.end))})`);
}

describe('mremap', () => {
  it('tells a move twice, both times the old range: when the entries move, and when the old mapping goes', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1, 7);
    m.log.take();
    m.run(moved(m, 0, 4, 4, { to: address(32) }));
    expect(m.log.take()).toBe('<UNMAP[0,4) t[0,4)> <UNMAP[0,4)>');
    expect([m.load(1), m.load(33)]).toEqual(['SIGSEGV', 7]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('leaves an empty mapping with DONTUNMAP, and tells once', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.store(1, 7);
    m.log.take();
    m.run(moved(m, 0, 4, 4, { to: address(32), dontunmap: true }));
    expect(m.log.take()).toBe('<UNMAP[0,4) t[0,4)>');
    expect([m.load(1), m.load(33)]).toEqual([0, 7]);
  });

  it('that shrinks is a munmap of what goes; that grows in place is not told', () => {
    const m = new Machine();
    m.mapAnon(8);
    m.store(6);
    m.log.take();
    m.run(moved(m, 0, 8, 4));
    expect(m.log.take()).toBe('<UNMAP[4,8)> t[6,7)');
    m.run(moved(m, 0, 4, 6));
    expect(m.log.take()).toBe('');
    expect(mappings(m)).toEqual(['[0,6)']);
  });

  it('may shrink over several mappings and holes, moving or not; what stays must be one mapping', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapAnon(4, { at: 4, prot: 'r' });
    m.mapAnon(4, { at: 12 });
    expect(m.errno(moved(m, 0, 16, 6, { to: address(32) }))).toBe('EFAULT');
    m.run(moved(m, 0, 16, 3, { to: address(32) }));
    expect(mappings(m)).toEqual(['[32,35)']);
  });

  it('moves several mappings together, as far from each other as before', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapAnon(4, { at: 8, prot: 'r' });
    m.run(moved(m, 0, 12, 12, { to: address(32) }));
    expect(mappings(m)).toEqual(['[32,36)', '[40,44)']);
  });

  it('refuses ranges that overlap, begin with a hole, or have no room to grow', () => {
    const m = new Machine();
    m.mapAnon(4, { at: 4 });
    m.mapAnon(4, { at: 10 });
    expect(m.errno(moved(m, 4, 4, 4, { to: address(6) }))).toBe('EINVAL');
    expect(m.errno(moved(m, 0, 8, 8, { to: address(32) }))).toBe('EFAULT');
    expect(m.errno(moved(m, 4, 4, 8))).toBe('ENOMEM');
    expect(m.errno(moved(m, 4, 4, 0))).toBe('EINVAL');
  });

  it('moves a page table of 2 MiB as a whole, so that what stays behind may have a huge entry again', () => {
    const m = new Machine();
    m.mapAnon(512);
    m.madvise('nohugepage', 0, 512);
    m.store(3, 7);
    m.run(clearRefs(m.mm, 4));
    m.madvise('hugepage', 0, 512);
    m.run(moved(m, 0, 512, 512, { to: address(1024), dontunmap: true }));
    // Entries that are moved one by one count as written.
    expect([m.load(1027), m.pte(1027) & PTE_SOFT_DIRTY]).toEqual([7, 0]);
    m.store(0);
    expect(m.mm.pageTable.huge(pageOf(address(0)))).not.toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('makes a page table where it moves a part of one, even an empty one', () => {
    const m = new Machine();
    m.mapAnon(1024);
    m.madvise('nohugepage', 0, 512);
    m.store(3);
    m.madvise('hugepage', 0, 1024);
    m.mapAnon(512, { at: 2048 });
    m.run(moved(m, 8, 504, 504, { to: address(2048) }));
    m.store(2048);
    expect(m.mm.pageTable.huge(pageOf(address(2048)))).toBe(0);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('that grows locked memory faults it in, and does not fail if that does', () => {
    const m = new Machine();
    m.mapFile(m.file(4), { share: 'private', pages: 3 });
    m.run(mlock(m.mm, address(0), 3 * PAGE_SIZE));
    m.log.take();
    expect(m.errno(moved(m, 0, 3, 6))).toBeNull();
    expect(m.log.takeOnly(/^w/)).toBe('w3 w4(SIGBUS) w4(SIGBUS)');
  });
});
