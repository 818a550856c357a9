import { PAGE_SIZE } from '../../src/base/index.js';
import { VM_UFFD_MISSING } from '../../src/mm/vma.js';
import { forkMm, pinUserPages, unpinUserPages } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { address } from '../support/machine.js';
import { SharedMemoryMachine } from '../support/shared-memory.js';

describe('MADV_COLLAPSE of shared memory that is cached in small folios', () => {
  it('tells CLEAR of every page that is mapped, then of the block, when its page table goes', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    for (const page of [3, 511]) m.store(page, page % 256);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect(m.log.take()).toBe('<CLEAR[3,4) t[3,4)> <CLEAR[511,512) t[511,512)> <CLEAR[0,512) t[0,512)>');
    expect([m.foliosOf(0), m.tableOf(0)]).toEqual([[512], 'huge']);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('keeps the data, and fills holes with zeros', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    for (const page of [0, 7, 300]) m.store(page, page % 256);
    m.madvise('collapse', 0, 512);
    expect([0, 1, 7, 300, 511].map((page) => m.load(page))).toEqual([0, 0, 7, 44, 0]);
    // The new folio is dirty: it is not forgotten, but goes to the swap device.
    m.madvise('pageout', 0, 512);
    expect([m.load(7), m.load(300)]).toEqual([7, 44]);
  });

  it('gives the old pages back', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    for (let page = 0; page < 512; page++) m.store(page);
    const before = m.memory.freeFrames;
    m.madvise('collapse', 0, 512);
    expect(m.memory.freeFrames).toBe(before);
  });

  it('takes page tables away in every process, which finds the huge folio at its next access', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    const other = m.kernel.createProcess('other');
    m.mapFileOf(other, m.inode);
    m.store(3, 9);
    m.run(m.loading(3, other));
    m.log.take();
    m.madvise('collapse', 0, 512);
    expect(m.log.take()).toBe(
      '<CLEAR[3,4) t[3,4)> <CLEAR[3,4) t[3,4)> <CLEAR[0,512) t[0,512)> <CLEAR[0,512) t[0,512)>',
    );
    expect([m.tableOf(3), m.tableOf(3, other.mm)]).toEqual(['huge', 'none']);
    expect([m.run(m.loading(3, other)), m.tableOf(3, other.mm)]).toEqual([9, 'huge']);
    checkInvariants(m.kernel, [m.mm, other.mm]);
  });

  it('leaves the page table of a mapping that does not show the block as a huge entry would', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    const other = m.kernel.createProcess('other');
    m.mapFileOf(other, m.inode, { at: 1, pages: 1023, offset: 0 });
    m.run(m.storing(4, 9, other));
    m.madvise('collapse', 0, 512);
    expect([m.load(3), m.tableOf(3), m.tableOf(4, other.mm)]).toEqual([9, 'huge', 'small']);
    expect(m.run(m.loading(4, other))).toBe(9);
    checkInvariants(m.kernel, [m.mm, other.mm]);
  });

  it('brings back what was swapped out, page by page', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    for (const page of [3, 4]) m.store(page, page);
    m.madvise('pageout', 3, 1);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect(m.log.take()).toBe('<CLEAR[4,5) t[4,5)> <CLEAR[0,512) t[0,512)>');
    expect([m.load(3), m.load(4), m.foliosOf(0)]).toEqual([3, 4, [512]]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('fails with EAGAIN, and tells nobody, where a page is pinned', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    m.store(3, 9);
    const pins = m.run(pinUserPages(m.mm, address(3), PAGE_SIZE, { write: true, longterm: true }));
    m.store(2);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBe('EAGAIN');
    expect(m.log.take()).toBe('');
    checkInvariants(m.kernel, [m.mm], pins);
    unpinUserPages(m.kernel.mm, pins);
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    checkInvariants(m.kernel, [m.mm]);
  });

  it('fails with EINVAL where the file has nothing at all, and then looks at no other block', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    m.store(600);
    expect(m.madvise('collapse', 0, 1024)).toBe('EINVAL');
    expect(m.foliosOf(512).length).toBeGreaterThan(1);
    expect(m.madvise('collapse', 512, 512)).toBeNull();
  });

  it('fails with EBUSY where a userfaultfd wants to hear of missing pages', () => {
    const m = new SharedMemoryMachine();
    const vma = m.mapFile(m.inode);
    m.store(3);
    vma.flags |= VM_UFFD_MISSING;
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBe('EBUSY');
    expect([m.log.take(), m.foliosOf(0).includes(512)]).toEqual(['<CLEAR[3,4) t[3,4)>', false]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('fails with ENOMEM where memory has no 2 MiB in one piece', () => {
    const m = new SharedMemoryMachine();
    m.mapFile(m.inode);
    m.store(3);
    const taken: number[] = [];
    for (let folio = m.memory.allocate(9); folio >= 0; folio = m.memory.allocate(9)) taken.push(folio);
    expect(m.madvise('collapse', 0, 512)).toBe('ENOMEM');
    for (const folio of taken) m.memory.put(folio);
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('MADV_COLLAPSE of shared memory that is cached in one folio of 2 MiB', () => {
  /** Page 3 was stored to, and a huge entry maps its block. */
  function machine(): SharedMemoryMachine {
    const m = new SharedMemoryMachine();
    m.kernel.mm.shmemThp = 'always';
    m.mapFile(m.inode);
    m.store(3, 9);
    return m;
  }

  it('has nothing to do where a huge entry maps it', () => {
    const m = machine();
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect(m.log.take()).toBe('');
  });

  it('maps it by a huge entry without a word where no page table is in the way, pinned or not', () => {
    const m = machine();
    const pins = m.run(pinUserPages(m.mm, address(3), PAGE_SIZE, { write: true, longterm: true }));
    m.madvise('dontneed', 0, 512);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect([m.log.take(), m.tableOf(0), m.load(3)]).toEqual(['', 'huge', 9]);
    checkInvariants(m.kernel, [m.mm], pins);
  });

  it('drops a page table that maps nothing else, in one CLEAR', () => {
    const m = machine();
    m.madvise('nohugepage', 0, 512);
    m.madvise('dontneed', 0, 512);
    m.store(3, 8);
    expect(m.tableOf(0)).toBe('small');
    m.madvise('hugepage', 0, 512);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect([m.log.take(), m.tableOf(0), m.load(3)]).toEqual(['<CLEAR[0,512) t[0,512)>', 'huge', 8]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('brings it back from the swap device as a whole, and tells nobody', () => {
    const m = machine();
    m.madvise('pageout', 0, 512);
    expect(m.foliosOf(0)).not.toEqual([512]);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBeNull();
    expect([m.log.take(), m.foliosOf(0), m.tableOf(0), m.load(3)]).toEqual(['', [512], 'huge', 9]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('fails with EINVAL where a page has a private copy or a guard marker, and leaves the page table', () => {
    const m = machine();
    m.munmap(0, 1024);
    m.mapFile(m.inode, { share: 'private' });
    m.store(3, 7);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
    m.munmap(0, 1024);
    m.mapFile(m.inode);
    m.madvise('guard_install', 5, 1);
    m.log.take();
    expect(m.madvise('collapse', 0, 512)).toBe('EINVAL');
    expect([m.log.take(), m.load(5), m.load(3)]).toEqual(['', 'SIGSEGV', 9]);
  });

  it('maps it for the process that asks only', () => {
    const m = machine();
    m.madvise('nohugepage', 0, 1024);
    m.madvise('dontneed', 0, 512);
    m.store(3);
    const child = m.run(forkMm(m.mm, 'child'));
    m.madvise('hugepage', 0, 1024);
    m.madvise('collapse', 0, 512);
    expect([m.tableOf(0), m.tableOf(0, child)]).toEqual(['huge', 'none']);
    checkInvariants(m.kernel, [m.mm, child]);
  });
});
