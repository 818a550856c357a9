import type { Section } from '../operation.js';

export const HUGE_PAGES: Section = {
  title: 'Transparent huge pages',
  text: 'A folio of 2 MiB that is mapped by one entry is split when a part of it is treated alone, and the split clears all of it.',
  memory: {
    anon: 'map name=m kind=anon share=private prot=rw pages=1024 thp=advise',
    shmem: 'map name=m kind=shmem share=shared prot=rw pages=1024 thp=advise',
  },
  setup: [
    'set name=shmem_thp value=advise',
    'mr name=r map=m first=0 pages=1024',
    'cpu_write map=m page=0 value=0x22',
    'cpu_write map=m page=512 value=0x22',
  ],
  operations: [
    {
      title: 'munmap of a part',
      on: ['anon', 'shmem'],
      lines: [
        'munmap map=m first=0 pages=256',
        'rdma_write mr=r page=300 value=0x33',
        'munmap map=m first=512 pages=512',
      ],
      says: 'The CLEAR of the split comes first, then the UNMAP. Pages of anonymous memory stay mapped by small entries; those of shmem are only dropped, and fault in again. A whole huge page goes without a split.',
      recorded: ['thp.munmap', 'thp.munmap_sh'],
    },
    {
      title: 'mprotect of a part',
      on: ['anon', 'shmem'],
      lines: ['mprotect map=m first=0 pages=256 prot=r'],
      says: 'As with munmap: the device loses twice what was asked for.',
      recorded: ['thp.mprot', 'thp.mprot_sh'],
    },
    {
      title: 'MADV_DONTNEED of a part',
      lines: ['madvise map=m first=3 pages=2 advice=dontneed'],
      says: 'The split happens between the start and the end of the call’s own event: events nest, and the inner range is larger than the outer. A driver that keeps one range in progress gets this wrong.',
      recorded: ['thp.dontneed'],
    },
    {
      title: 'Writing to the huge zero page',
      before: ['madvise map=m first=0 pages=1024 advice=dontneed', 'rdma_read mr=r page=3', 'cpu_read map=m page=600'],
      lines: ['cpu_write map=m page=600 value=0x33', 'rdma_write mr=r page=5 value=0x34'],
      says: 'One byte is written, and 2 MiB of zeros are replaced: all that the device had read of them is lost, in the middle of its own fault if it was the writer.',
      recorded: ['thp.read'],
    },
    {
      title: 'MADV_PAGEOUT',
      before: ['rdma_write mr=r page=7 value=0x22', 'rdma_write mr=r page=600 value=0x23'],
      lines: [
        'madvise map=m first=0 pages=512 advice=pageout',
        'rdma_read mr=r page=7',
        'madvise map=m first=600 pages=1 advice=pageout',
      ],
      says: 'A whole huge page is reclaimed with one event and comes back as small pages. To reclaim one page of it, the folio is split first.',
      recorded: ['thp.pageout'],
    },
    {
      title: 'MADV_COLLAPSE',
      before: [
        'madvise map=m first=0 pages=512 advice=nohugepage',
        'madvise map=m first=0 pages=512 advice=dontneed',
        'cpu_write map=m first=0 pages=512 value=0x1',
        'madvise map=m first=0 pages=512 advice=hugepage',
      ],
      lines: ['madvise map=m first=0 pages=512 advice=collapse', 'rdma_write mr=r page=100 value=0x32'],
      says: 'Small pages become a huge one: the device loses all 512. khugepaged does this in the background, without being asked.',
      recorded: ['thp.collapse'],
    },
  ],
};
