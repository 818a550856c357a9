import { PAGE_SIZE } from '../../src/base/index.js';
import { madviseDontneed } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

function dontneed(m: Machine, page: number, pages: number): void {
  m.run(m.kernel.madviseDontneed(m.process, address(page), pages * PAGE_SIZE));
}

describe('MADV_DONTNEED', () => {
  it('drops anonymous pages: they read as zeros', () => {
    const m = new Machine();
    m.mapAnon(8);
    for (const page of [3, 4, 7]) m.store(page, 5);
    const before = m.memory.freeFrames;
    dontneed(m, 4, 4);
    expect([3, 4, 7].map((page) => m.load(page))).toEqual([5, 0, 0]);
    expect(m.memory.freeFrames).toBe(before + 2);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('drops the mapping of file pages, whose data come back with the next fault', () => {
    const m = new Machine();
    m.mapFile(m.file(4));
    m.store(2, 5);
    dontneed(m, 0, 4);
    m.log.take();
    expect(m.load(2)).toBe(5);
    expect(m.log.take()).toBe('r2');
  });

  it('drops private copies of file pages: the file shows through again', () => {
    const m = new Machine();
    const file = m.file(4);
    m.pwrite(file, 0, [3]);
    m.mapFile(file, { share: 'private' });
    m.store(0, 9);
    dontneed(m, 0, 1);
    expect(m.load(0)).toBe(3);
  });

  it('frees the page table of a block that goes as a whole, so that the next write may get a huge folio', () => {
    const m = new Machine();
    m.mapAnon(512);
    m.store(0);
    dontneed(m, 0, 256);
    dontneed(m, 256, 255);
    expect(m.mm.pageTable.leaf(address(0) / PAGE_SIZE)).not.toBeNull();
    dontneed(m, 0, 512);
    expect(m.mm.pageTable.leaf(address(0) / PAGE_SIZE)).toBeNull();
    m.store(7);
    expect(m.mm.pageTable.huge(address(0) / PAGE_SIZE)).not.toBe(0);
  });

  it('keeps the page table of a block in which markers are left', () => {
    const m = new Machine();
    m.mapAnon(512);
    m.madvise('guard_install', 5, 1);
    dontneed(m, 0, 512);
    expect(m.load(5)).toBe('SIGSEGV');
  });

  it('says CLEAR once per mapping, even where nothing is populated', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapAnon(4, { at: 4, prot: 'r' });
    dontneed(m, 2, 4);
    expect(m.log.take()).toBe('<CLEAR[2,4)> <CLEAR[4,6)>');
  });

  it('flushes the TLB once for all anonymous mappings, and per mapping for dirty pages of files', () => {
    const m = new Machine();
    m.mapAnon(4);
    m.mapAnon(4, { at: 4, prot: 'r' });
    m.mapFile(m.file(4), { at: 8 });
    for (const page of [1, 9]) m.store(page);
    m.log.take();
    dontneed(m, 0, 8);
    m.store(1);
    m.log.take();
    dontneed(m, 0, 12);
    expect(m.log.take()).toBe('<CLEAR[0,4)> <CLEAR[4,8)> <CLEAR[8,12) t[1,10)>');
  });

  it('says ENOMEM for holes, when it has dealt with the rest', () => {
    const m = new Machine();
    m.mapAnon(2);
    m.mapAnon(2, { at: 4 });
    for (const page of [1, 4]) m.store(page);
    expect(m.errno(madviseDontneed(m.mm, address(0), 6 * PAGE_SIZE))).toBe('ENOMEM');
    expect([m.load(1), m.load(4)]).toEqual([0, 0]);
  });

  it('says EINVAL for an unaligned address', () => {
    const m = new Machine();
    m.mapAnon(2);
    expect(m.errno(madviseDontneed(m.mm, address(0) + 1, PAGE_SIZE))).toBe('EINVAL');
  });
});

describe('MADV_POPULATE_WRITE', () => {
  it('reports how far it came before a fault that fails, and meets it a second time', () => {
    const m = new Machine();
    m.mapAnon(8);
    m.madvise('guard_install', 2, 1);
    m.log.take();
    expect(m.madvise('populate_write', 0, 8)).toBe('EFAULT');
    expect(m.log.take()).toBe('w0 w1 w2(SIGSEGV) w2(SIGSEGV)');
    expect(m.madvise('populate_write', 2, 6)).toBe('EFAULT');
    expect(m.log.take()).toBe('w2(SIGSEGV)');
  });

  it('does not begin anew at each mapping, and ends at one that does not allow it, or at a hole', () => {
    const m = new Machine();
    const file = m.file(4);
    m.mapFile(file, { pages: 2, share: 'private' });
    m.mapFile(file, { pages: 2, share: 'private', at: 2, offset: 8 });
    m.mapAnon(2, { at: 8 });
    m.mapAnon(2, { at: 10, prot: 'r' });
    expect(m.madvise('populate_write', 0, 4)).toBe('EFAULT');
    expect(m.log.takeOnly(/^w/)).toBe('w0 w1 w2(SIGBUS) w2(SIGBUS)');
    expect(m.madvise('populate_write', 9, 4)).toBe('EINVAL');
    expect(m.log.take()).toBe('w9');
    expect(m.madvise('populate_read', 10, 4)).toBe('ENOMEM');
    expect(m.log.take()).toBe('r10 r11');
  });
});
