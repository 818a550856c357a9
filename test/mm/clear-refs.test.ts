import { PAGE_SIZE } from '../../src/base/index.js';
import {
  PTE_SOFT_DIRTY,
  PTE_WRITE,
  VM_READ,
  clearRefs,
  mprotect,
  pinUserPages,
  zapPageRange,
} from '../../src/mm/index.js';
import { Machine, address } from '../support/machine.js';

const SOFT_DIRTY_AND_WRITABLE = PTE_SOFT_DIRTY | PTE_WRITE;

describe('clear_refs 4', () => {
  it('is told once for the whole address space; a huge entry flushes its 2 MiB', () => {
    const m = new Machine();
    m.mapAnon(512);
    m.mapAnon(8, { at: 1024 });
    m.store(0);
    m.store(1024);
    m.log.take();
    m.run(clearRefs(m.mm, 4));
    expect(m.log.take()).toBe('<SOFT_DIRTY[all) t[0,512) t[all)>');
    expect([0, 1024].map((page) => m.pte(page) & SOFT_DIRTY_AND_WRITABLE)).toEqual([0, 0]);
  });

  it('leaves small pages alone that a device has pinned, for it may write at any time; not a huge one', () => {
    const m = new Machine();
    const huge = 0;
    const small = 1024;
    m.mapAnon(512);
    m.mapAnon(8, { at: small });
    for (const page of [huge, small]) {
      m.store(page);
      m.run(pinUserPages(m.mm, address(page), PAGE_SIZE, { write: true, longterm: true }));
    }
    m.run(clearRefs(m.mm, 4));
    expect(m.pte(small) & SOFT_DIRTY_AND_WRITABLE).toBe(SOFT_DIRTY_AND_WRITABLE);
    expect(m.pte(huge) & SOFT_DIRTY_AND_WRITABLE).toBe(0);
    m.log.take();
    m.store(huge);
    expect(m.log.take()).toBe('w0');
  });

  it('watches pinned pages that are mapped read-only like all others', () => {
    const m = new Machine();
    m.mapAnon(8);
    m.store(0);
    m.run(pinUserPages(m.mm, address(0), PAGE_SIZE, { write: true, longterm: true }));
    m.run(mprotect(m.mm, address(0), 8 * PAGE_SIZE, VM_READ));
    m.run(clearRefs(m.mm, 4));
    expect(m.pte(0) & PTE_SOFT_DIRTY).toBe(0);
  });

  it('is undone for all of a huge entry that is split: what was dirty counts as written since', () => {
    const m = new Machine();
    const vma = m.mapAnon(512);
    m.store(0);
    m.run(clearRefs(m.mm, 4));
    m.run(zapPageRange(vma, address(256), address(512)));
    expect([0, 255].map((page) => m.pte(page) & PTE_SOFT_DIRTY)).toEqual([PTE_SOFT_DIRTY, PTE_SOFT_DIRTY]);
  });

  it('does not make a page soft-dirty that shows the huge zero folio', () => {
    const m = new Machine();
    m.mapAnon(512);
    m.run(clearRefs(m.mm, 4));
    m.load(7);
    expect(m.pte(7) & PTE_SOFT_DIRTY).toBe(0);
  });
});
