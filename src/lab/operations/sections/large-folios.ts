import type { Section } from '../operation.js';

const WRITE_ALL = 'rdma_write mr=r first=0 pages=16 value=0x22';

export const LARGE_FOLIOS: Section = {
  title: 'Large folios of files',
  text: 'A file that was written with one pwrite of 64 KiB has one folio of 16 pages in the page cache, on all three file systems; larger writes make larger ones, up to 2 MiB. Most of what is done to one of its pages is done to all.',
  memory: {
    ext4: 'map name=m kind=ext4 share=shared prot=rw pages=16 content=cached thp=inherit',
    xfs: 'map name=m kind=xfs share=shared prot=rw pages=16 content=cached thp=inherit',
    btrfs: 'map name=m kind=btrfs share=shared prot=rw pages=16 content=cached thp=inherit',
  },
  setup: ['mr name=r map=m first=0 pages=16'],
  operations: [
    {
      title: 'The first write',
      on: ['ext4', 'xfs', 'btrfs'],
      lines: ['rdma_write mr=r page=5 value=0x31', 'rdma_read mr=r page=6', 'rdma_write mr=r page=7 value=0x32'],
      says: 'Where no page of the folio is mapped yet, one fault maps them all, writable and dirty. The device still faults page by page, but the kernel has nothing left to do.',
      recorded: ['wb_nicfirst_cached.btrfs', 'wb_nicfirst_cached.ext4', 'wb_nicfirst_cached.xfs'],
    },
    {
      title: 'fsync of a large folio',
      on: ['ext4', 'xfs', 'btrfs'],
      before: [
        'rdma_write mr=r page=5 value=0x31',
        'fsync map=m',
        'rdma_read mr=r page=6',
        'rdma_write mr=r page=8 value=0x33',
      ],
      lines: ['fsync map=m', 'rdma_read mr=r page=6'],
      says: 'One page is dirty, and the event has the range of the folio: the device loses all 16, those that it only read as well. With a folio of 2 MiB it loses 512.',
      recorded: ['wb_nicfirst_cached.btrfs', 'wb_nicfirst_cached.ext4', 'wb_nicfirst_cached.xfs'],
    },
    {
      title: 'Moving and reclaiming a part',
      on: ['ext4', 'xfs', 'btrfs'],
      before: [WRITE_ALL],
      lines: [
        'move_pages map=m first=5 pages=1',
        'rdma_write mr=r page=3 value=0x31',
        'madvise map=m first=4 pages=2 advice=dontneed',
        'rdma_read mr=r page=4',
        'madvise map=m first=4 pages=2 advice=pageout',
        'madvise map=m first=0 pages=16 advice=pageout',
      ],
      says: 'One page was to migrate, and the folio moves: the device loses it all, while the entries of the CPU are in place again. MADV_DONTNEED drops entries and keeps to its range. MADV_PAGEOUT of a part does nothing, of the whole folio it is one event.',
      recorded: ['large_folio_ops.btrfs', 'large_folio_ops.ext4', 'large_folio_ops.xfs'],
    },
    {
      title: 'O_DIRECT into a large folio',
      on: ['ext4', 'xfs', 'btrfs'],
      before: [WRITE_ALL],
      lines: ['odirect_write map=m first=4 pages=2 value=0x33'],
      says: 'Writing past the page cache writes the folio back first, then drops the two pages from it, and to drop a part it splits the folio, which takes all of its pages away once more. btrfs only writes back.',
      recorded: ['odirect_write_states.btrfs', 'odirect_write_states.ext4', 'odirect_write_states.xfs'],
    },
    {
      title: 'ftruncate inside a large folio',
      on: ['ext4'],
      before: [WRITE_ALL],
      lines: ['ftruncate map=m pages=4'],
      says: 'The CLEAR in the middle is the split of the folio at the new end. It takes pages away that stay in the file.',
      recorded: ['1200-ext4'],
    },
  ],
};
