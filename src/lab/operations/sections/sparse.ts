import type { Section } from '../operation.js';

export const SPARSE: Section = {
  title: 'Page tables and their borders',
  text: 'A page table covers 2 MiB, 512 pages. Some calls look whether there is one, and those that cut a mapping in the middle of one tell more than they were asked.',
  memory: {
    anon: 'map name=m kind=anon share=private prot=rw pages=2048',
    ext4: 'map name=m kind=ext4 share=shared prot=rw pages=2048',
  },
  setup: ['mr name=r map=m first=0 pages=2048'],
  operations: [
    {
      title: 'Memory that nobody has touched',
      on: ['anon', 'ext4'],
      lines: ['mprotect map=m first=0 pages=2048 prot=r', 'madvise map=m first=0 pages=2048 advice=dontneed'],
      says: 'mprotect passes over what has no page table; madvise does not look, and announces the whole range for nothing.',
      recorded: ['sparse_big.anon', 'sparse_big.ext4'],
    },
    {
      title: 'A border inside 2 MiB',
      on: ['anon', 'ext4'],
      before: ['rdma_write mr=r page=1100 value=0x22', 'rdma_write mr=r page=1700 value=0x22'],
      lines: ['mprotect map=m first=1000 pages=500 prot=r'],
      says: 'A mapping that is cut where no page table ends has the 2 MiB around the cut cleared first, in case a huge page is there: also for a file of small pages. The device loses up to 511 pages that nobody asked for. Both ends are such cuts here.',
      recorded: ['sparse_big.anon', 'sparse_big.ext4'],
    },
  ],
};
