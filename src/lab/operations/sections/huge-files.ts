import type { Section } from '../operation.js';

export const HUGE_FILES: Section = {
  title: 'Huge pages of files',
  text: 'A pwrite of some MiB leaves folios of 2 MiB in the page cache of ext4 and xfs, which are mapped by one entry each.',
  memory: { ext4: 'map name=m kind=ext4 share=shared prot=rw pages=1536 content=cached thp=inherit' },
  setup: ['mr name=r0 map=m first=0 pages=1536'],
  operations: [
    {
      title: 'fsync, and the next write',
      before: ['rdma_write mr=r0 page=445 value=0x33'],
      lines: ['fsync map=m', 'rdma_write mr=r0 page=368 value=0x37'],
      says: 'fsync takes 512 pages from the device for the one that it wrote. The next write splits the huge entry to know which page is dirty: all of it is cleared again, inside the device’s own fault. Written at random and synced often, such a file is refaulted all the time.',
      recorded: ['1096-ext4big'],
    },
  ],
};
