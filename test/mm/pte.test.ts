import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_WRITE,
  PageTable,
  pteFrame,
  ptePresent,
  pteWritable,
} from '../../src/mm/index.js';
import { PTE_NONE, PTE_SOFT_DIRTY, makePte } from '../../src/mm/pte.js';

describe('a page table entry', () => {
  it('holds the frame, up to the last of 256 GiB, and the flags', () => {
    const table = new PageTable();
    for (const frame of [0, 1, 2 ** 25, 2 ** 26 - 1]) {
      table.set(7, makePte(frame, PTE_WRITE | PTE_DIRTY | PTE_SOFT_DIRTY));
      const pte = table.get(7);
      expect([pteFrame(pte), ptePresent(pte), pteWritable(pte), (pte & PTE_ACCESSED) !== 0]).toEqual([
        frame,
        true,
        true,
        false,
      ]);
    }
  });

  it('is writable only if it is there', () => {
    expect([ptePresent(PTE_NONE), pteWritable(PTE_NONE), pteWritable(PTE_WRITE)]).toEqual([false, false, false]);
    expect(pteWritable(makePte(5, 0))).toBe(false);
  });
});
