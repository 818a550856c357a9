import type { Section } from '../operation.js';

export const HUGETLB: Section = {
  title: 'hugetlb',
  text: 'Memory of the hugetlb pool has rules of its own. The device faults in units of 4 KiB, the kernel works on 512 pages.',
  memory: {
    private: 'map name=m kind=hugetlb share=private prot=rw pages=1024',
    shared: 'map name=m kind=hugetlb share=shared prot=rw pages=1024',
    file: 'map name=m kind=hugefile share=shared prot=rw pages=1024',
  },
  setup: ['cpu_write map=m first=0 pages=1024 stride=512 value=0x22', 'mr name=r map=m first=0 pages=1024'],
  operations: [
    {
      title: 'fork, and writing after it',
      on: ['private', 'shared'],
      lines: ['fork child=c1', 'cpu_write map=m page=0 value=0x33', 'rdma_write mr=r page=512 value=0x44'],
      says: 'The fork of a private mapping is a CLEAR, where other memory has PROTECTION_PAGE. The copy is one of 2 MiB.',
      recorded: ['fork.hugetlb', 'fork.hugetlbshared'],
    },
    {
      title: 'mremap',
      on: ['private'],
      lines: ['mremap map=m first=0 pages=1024 new_pages=1024 to=d to_first=0'],
      says: 'CLEAR, then UNMAP, instead of two UNMAPs.',
      recorded: ['mremap.hugetlb'],
    },
    {
      title: 'ftruncate',
      on: ['file'],
      lines: ['ftruncate map=m pages=512', 'rdma_read mr=r page=600'],
      says: 'One CLEAR, not two as in other file systems.',
      recorded: ['hugetlb_file.hugefile'],
    },
  ],
};
