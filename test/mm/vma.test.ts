import { PAGE_SIZE } from '../../src/base/index.js';
import { VM_READ, VM_SHARED, VM_WRITE, Vma } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';
import { shmemFile } from '../support/shmem-file.js';

describe('a mapping', () => {
  const m = new Machine();
  const file = m.file(16);
  const mapping = (flags: number, of: Vma['file'] = file): Vma => new Vma(m.mm, address(8), address(12), flags, 4, of);

  it('knows which page of the file is at an address, and the other way round', () => {
    const vma = mapping(VM_READ);
    expect([vma.pageIndex(address(8)), vma.pageIndex(address(11) + PAGE_SIZE - 1)]).toEqual([4, 7]);
    expect([vma.addressOf(4), vma.addressOf(7), vma.addressOf(0)]).toEqual([address(8), address(11), address(4)]);
  });

  it('copies on write if it is private, whether it may be written now or not', () => {
    expect([VM_READ, VM_READ | VM_WRITE, VM_READ | VM_SHARED].map((flags) => mapping(flags).isCow)).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('needs dirty tracking if it is shared, writable, and the file wants to know of writes', () => {
    const shared = VM_READ | VM_WRITE | VM_SHARED;
    expect(mapping(shared).needsDirtyTracking).toBe(true);
    expect(mapping(VM_READ | VM_SHARED).needsDirtyTracking).toBe(false);
    expect(mapping(VM_READ | VM_WRITE).needsDirtyTracking).toBe(false);
    expect(mapping(shared, shmemFile(m)).needsDirtyTracking).toBe(false);
    expect(mapping(shared, null).needsDirtyTracking).toBe(false);
  });

  it('says what it is', () => {
    expect(mapping(VM_READ | VM_WRITE | VM_SHARED).toString()).toBe(
      'VMA [0x10000008000, 0x1000000c000) rws of mm of app',
    );
    expect(mapping(VM_READ).toString()).toMatch(/ r-p of /);
  });
});
