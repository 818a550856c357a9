import { HPAGE_SIZE, PAGE_SIZE } from '../../src/base/index.js';
import { VM_READ, VM_SHARED, VM_WRITE, clearRefs, mmap, mprotect } from '../../src/mm/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';
import { shmemFile } from '../support/shmem-file.js';

const RW = VM_READ | VM_WRITE;

function protect(m: Machine, first: number, pages: number, rights: number): void {
  m.run(mprotect(m.mm, address(first), pages * PAGE_SIZE, rights));
}

describe('mprotect', () => {
  it('tells once per mapping whose rights change, whether they shrink or grow', () => {
    const m = new Machine();
    m.mapAnon(8);
    m.store(2);
    m.log.take();
    protect(m, 1, 4, VM_READ);
    expect(m.log.take()).toBe('<PROTECTION_VMA[1,5)> t[2,3)');
    protect(m, 1, 4, VM_READ);
    expect(m.log.take()).toBe('');
    protect(m, 0, 8, RW);
    expect(m.log.takeOnly(/PROTECTION|>/)).toBe('<PROTECTION_VMA[1,5)>');
    expect([...m.mm.vmas]).toHaveLength(1);
  });

  it('says nothing where no page table is', () => {
    const m = new Machine();
    m.mapAnon(8);
    protect(m, 0, 8, VM_READ);
    expect(m.log.take()).toBe('');
  });

  it('speaks where a fault has been, even one that failed: the upper page tables are there', () => {
    const m = new Machine();
    m.mapFile(m.file(2), { pages: 8 });
    expect(m.store(5)).toBe('SIGBUS');
    m.log.take();
    protect(m, 4, 4, VM_READ);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<PROTECTION_VMA[4,8)>');
  });

  it('makes exclusive pages writable again at once, and waits for a fault with those that are shared', () => {
    const m = new Machine();
    m.mapAnon(8);
    m.store(2, 7);
    protect(m, 0, 8, VM_READ);
    expect(m.store(2)).toBe('SIGSEGV');
    protect(m, 0, 8, RW);
    m.log.take();
    m.store(2, 8);
    expect(m.log.take()).toBe('');
  });

  // Recorded in uffd_wp.anonshared, of userfaultfd's protection: clean or dirty, the next write is a fault.
  it('leaves shared memory without page_mkwrite read-only while writes to it are watched', () => {
    const m = new Machine();
    const file = { file: shmemFile(m), pgoff: 0 };
    m.run(mmap(m.mm, { address: address(0), length: 4 * PAGE_SIZE, flags: RW | VM_SHARED, file }));
    m.run(clearRefs(m.mm, 4));
    m.store(1, 7);
    protect(m, 0, 4, VM_READ);
    protect(m, 0, 4, RW);
    m.log.take();
    m.store(1, 8);
    expect(m.log.take()).toBe('w1');
  });

  it('that splits a mapping inside 2 MiB first drops the huge entry there', () => {
    const m = new Machine();
    m.mapAnon(1024);
    m.store(0);
    m.log.take();
    protect(m, 0, 16, VM_READ);
    expect(m.log.takeOnly(/^[<>]/)).toBe('<CLEAR[0,512)> <PROTECTION_VMA[0,16)>');
    protect(m, 512, 512, VM_READ);
    checkInvariants(m.kernel, [m.mm]);
  });

  it('is ENOMEM at the first hole, when it has changed what comes before', () => {
    const m = new Machine();
    m.mapAnon(2);
    expect(m.errno(mprotect(m.mm, address(0), HPAGE_SIZE, VM_READ))).toBe('ENOMEM');
    expect(m.store(0)).toBe('SIGSEGV');
  });
});
