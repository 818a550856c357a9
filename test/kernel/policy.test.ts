import { P0, P1, POLICIES } from '../../src/kernel/index.js';
import { VM_READ, VM_SHARED, VM_WRITE, Vma } from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';
import { shmemFile } from '../support/shmem-file.js';

describe('the policies', () => {
  it('have an id each', () => {
    expect(new Set(POLICIES.map(({ id }) => id)).size).toBe(POLICIES.length);
    expect(POLICIES).toContain(P0);
    expect(POLICIES).toContain(P1);
  });

  it.each([
    ['shared and writable', VM_READ | VM_WRITE | VM_SHARED, true, false],
    ['shared and read-only', VM_READ | VM_SHARED, true, true],
    ['private and writable', VM_READ | VM_WRITE, true, true],
  ])('differ in writable long-term pins of a file mapping that is %s', (_what, flags, before65, since65) => {
    const m = new Machine();
    const vma = new Vma(m.mm, address(0), address(1), flags, 0, m.file(1));
    expect([P0.allowsWritableLongTermPin(vma), P1.allowsWritableLongTermPin(vma)]).toEqual([before65, since65]);
  });

  it('differ in whether reclaim takes the file system state of a pinned folio', () => {
    expect([P0.skipsPinned, P1.skipsPinned]).toEqual([false, true]);
  });

  it('do not forbid pins of a file whose file system need not know of writes', () => {
    const m = new Machine();
    const vma = new Vma(m.mm, address(0), address(1), VM_READ | VM_WRITE | VM_SHARED, 0, shmemFile(m));
    expect(P1.allowsWritableLongTermPin(vma)).toBe(true);
  });
});
