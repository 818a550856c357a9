import { PAGE_SIZE } from '../../src/base/index.js';
import { VM_UFFD_WP } from '../../src/mm/vma.js';
import { forkMm, pinUserPages, unpinUserPages } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** Small pages at [0, 512), some of which were stored to. */
function machine(...stored: number[]): Machine {
  const m = new Machine({ memory: 32 * 2 ** 20 });
  m.mapAnon(1024);
  m.madvise('nohugepage', 0, 1024);
  for (const page of stored) m.store(page, page % 256);
  m.madvise('hugepage', 0, 1024);
  m.log.take();
  return m;
}

function isHuge(m: Machine): boolean {
  return m.mm.pageTable.huge(address(0) / PAGE_SIZE) !== 0;
}

describe('MADV_COLLAPSE of anonymous memory', () => {
  it('copies the pages of a block into a huge folio, inside one CLEAR of the block', () => {
    const m = machine(3, 300);
    m.load(4);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect([m.log.take(), isHuge(m)]).toEqual(['<CLEAR[0,512) t[0,512)>', true]);
    expect([3, 4, 300, 511].map((page) => m.load(page))).toEqual([3, 0, 44, 0]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('takes a copy of pages that a child has too, which keeps its own', () => {
    const m = machine(3);
    const child = m.run(forkMm(m.mm, 'child'));
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    m.store(3, 9);
    expect(child.pageTable.get(address(3) / PAGE_SIZE)).not.toBe(0);
    expect(m.load(3)).toBe(9);
    checkInvariants(m.kernel, [m.mm, child]);
  });

  it('brings back what was swapped out, without a page fault, though a child refers to it too', () => {
    const m = machine(3, 4);
    m.madvise('pageout', 3, 1);
    const child = m.run(forkMm(m.mm, 'child'));
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect([m.log.take(), m.load(3), m.load(4)]).toEqual(['<CLEAR[0,512) t[0,512)>', 3, 4]);
    expect(child.pageTable.get(address(3) / PAGE_SIZE)).not.toBe(0);
  });

  it('is not kept from it by pages that wait in a batch for their LRU list', () => {
    const m = machine(3, 4);
    m.madvise('cold', 0, 512);
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect(isHuge(m)).toBe(true);
  });

  it('fails with EAGAIN, and tells nobody, where a page is pinned', () => {
    const m = machine(3);
    const pins = m.run(pinUserPages(m.mm, address(3), PAGE_SIZE, { write: true, longterm: true }));
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBe('EAGAIN');
    expect(m.log.take()).toBe('');
    unpinUserPages(m.kernel.mm, pins);
    expect(m.madvise('collapse', 0, 512)).toBeNull();
  });

  it('fails with EINVAL where there is no page table: none yet, or none any more', () => {
    const m = machine(600);
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
    expect(m.madvise('collapse', 0, 1024)).toBe('EINVAL');
    m.madvise('dontneed', 512, 512);
    expect(m.madvise('collapse', 512, 512)).toBe('EINVAL');
    expect(m.log.take()).toBe('<CLEAR[512,1024) t[512,1024)> <CLEAR[512,1024)> t[512,1024)');
  });

  it('fails with EINVAL where a guard marker is', () => {
    const m = machine(3);
    m.madvise('guard_install', 5, 1);
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
    expect([m.load(5), m.load(3)]).toEqual(['SIGSEGV', 3]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('fails with EBUSY where pages are missing that a userfaultfd may want to hear of', () => {
    const m = machine(3);
    for (const vma of m.mm.vmas) vma.flags |= VM_UFFD_WP;
    expect(m.madvise('collapse', 0, 512)).toBe('EBUSY');
  });
});
