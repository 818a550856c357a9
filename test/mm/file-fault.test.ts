import { PAGE_SIZE } from '../../src/base/index.js';
import type { Inode } from '../../src/fs/index.js';
import { PTE_DIRTY, PTE_NONE, ptePresent, pteWritable } from '../../src/mm/pte.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

/** A file that write(2) has put into the cache, and that is clean. */
function cachedFile(m: Machine, pages: number): Inode {
  const file = m.file(0);
  m.run(m.kernel.pwrite(file, 0, pages * PAGE_SIZE));
  m.fsync(file);
  m.log.take();
  return file;
}

function mapped(m: Machine, pages: number): number[] {
  return Array.from({ length: pages }, (_, page) => page).filter((page) => ptePresent(m.pte(page)));
}

describe('a write fault on a large folio', () => {
  it('maps all of it, writable and dirty: the next fsync cleans entries that nobody wrote through', () => {
    const m = new Machine();
    const file = cachedFile(m, 16);
    m.mapFile(file);
    m.store(3);
    expect(mapped(m, 16)).toHaveLength(16);
    expect(pteWritable(m.pte(9)) && (m.pte(9) & PTE_DIRTY) !== 0).toBe(true);
    m.store(9);
    m.fsync(file);
    expect(m.log.takeOnly(/^(w\d|mk|clean|<|>)/)).toContain('mk3 w3 <PROTECTION_PAGE[0,16)> clean#0(16)');
    checkInvariants(m.kernel, [m.mm]);
  });

  it('maps one page where the folio reaches beyond the mapping, or an entry is in the way', () => {
    const m = new Machine();
    const file = cachedFile(m, 16);
    m.mapFile(file, { pages: 12 });
    m.store(3);
    expect(mapped(m, 16)).toEqual([3]);
    m.mapFile(file, { at: 512 });
    m.load(512);
    m.run(m.kernel.madviseDontneed(m.process, address(512), 4 * PAGE_SIZE));
    m.store(514);
    expect([512, 513, 514, 515].map((page) => ptePresent(m.pte(page)))).toEqual([false, false, true, false]);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('maps one page where the folio reaches beyond the end of the file: what is there must stay a SIGBUS', () => {
    const m = new Machine();
    const file = cachedFile(m, 16);
    m.mapFile(file);
    m.store(0);
    m.ftruncate(file, 8 * PAGE_SIZE);
    m.store(1);
    expect(mapped(m, 16)).toEqual([1]);
    expect(m.load(9)).toBe('SIGBUS');
    checkInvariants(m.kernel, [m.mm]);
  });
});

describe('a read fault on a large folio', () => {
  it('maps all of it, though it is larger than the block of 16 pages around the fault', () => {
    const m = new Machine();
    m.mapFile(cachedFile(m, 32));
    m.load(20);
    expect(mapped(m, 32)).toHaveLength(32);
    expect(pteWritable(m.pte(20))).toBe(false);
  });
});

describe('a folio of 2 MiB', () => {
  const HUGE = 512;

  it('is mapped by a huge entry, which a write after a read splits: CLEAR of the whole, inside the fault', () => {
    const m = new Machine();
    m.mapFile(cachedFile(m, HUGE));
    m.load(3);
    expect(m.mm.pageTable.huge(address(0) / PAGE_SIZE)).not.toBe(PTE_NONE);
    m.log.take();
    m.store(7);
    expect(m.log.takeOnly(/^(w|mk|<|>)/)).toBe('<CLEAR[0,512)> mk7 w7');
    expect(pteWritable(m.mm.pageTable.huge(address(0) / PAGE_SIZE))).toBe(true);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is cleaned as a whole: one entry', () => {
    const m = new Machine();
    const file = cachedFile(m, HUGE);
    m.mapFile(file);
    m.store(7);
    m.log.take();
    m.fsync(file);
    expect(m.log.takeOnly(/^(clean|<|>)/)).toBe('<PROTECTION_PAGE[0,512)> clean#0(1)');
  });

  it('is mapped by small entries where its mapping is not aligned as the file is', () => {
    const m = new Machine();
    m.mapFile(cachedFile(m, 2 * HUGE), { pages: HUGE, offset: 4 });
    m.load(3);
    expect(m.mm.pageTable.huge(address(0) / PAGE_SIZE)).toBe(PTE_NONE);
    expect(mapped(m, HUGE)).toHaveLength(16);
    checkInvariants(m.kernel, [m.mm]);
  });
});
