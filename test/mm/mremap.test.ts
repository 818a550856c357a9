import { PAGE_SIZE } from '../../src/base/index.js';
import type { Task } from '../../src/engine/index.js';
import { mremap, type MremapOptions } from '../../src/mm/index.js';
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
});
