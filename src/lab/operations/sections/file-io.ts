import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const FILE_IO: Section = {
  title: 'Files beside the mapping',
  text: 'System calls on the file, while memory of it is mapped.',
  memory: memory('ext4', 'xfs', 'btrfs'),
  setup: POPULATED,
  operations: [
    {
      title: 'pwrite and pread',
      on: ['ext4', 'btrfs'],
      lines: ['pwrite map=m page=4 value=0x66', 'rdma_read mr=r page=4', 'pread map=m page=5'],
      says: 'The mapping is the page cache: the device sees at once what was written, through the mapping that it has.',
      recorded: ['file_io.btrfs', 'file_io.ext4'],
    },
    {
      title: 'Dropping caches, unlink and close',
      on: ['ext4', 'btrfs'],
      before: ['fsync map=m'],
      lines: [
        'fadvise_dontneed map=m',
        'drop_caches n=1',
        'unlink map=m',
        'close map=m',
        'rdma_write mr=r page=3 value=0x6b',
      ],
      says: 'Pages that are mapped are not dropped, and a file lives as long as a mapping of it. Dirty pages are another matter: POSIX_FADV_DONTNEED writes them back.',
      recorded: ['file_io.btrfs', 'file_io.ext4'],
    },
    {
      title: 'O_DIRECT writes and reads',
      on: ['ext4', 'btrfs'],
      before: ['fsync map=m', 'rdma_read mr=r page=4'],
      lines: [
        'odirect_write map=m first=4 pages=2 value=0x67',
        'rdma_read mr=r page=4',
        'rdma_write mr=r page=8 value=0x68',
        'odirect_read map=m first=8 pages=2',
      ],
      says: 'ext4 writes around the page cache and drops the pages from it, with a CLEAR; xfs is the same. btrfs of this kernel falls back to the page cache, and writes that back. To read what the device wrote from the disk, it has to get there first: the page is written back.',
      recorded: ['file_io.btrfs', 'file_io.ext4'],
    },
    {
      title: 'Reflinks',
      on: ['xfs', 'btrfs'],
      before: ['fsync map=m', 'rdma_write mr=r page=4 value=0x35'],
      lines: ['reflink map=m name=c2', 'rdma_write mr=r page=5 value=0x36'],
      says: 'To share blocks with another file, the dirty pages are written back. The copy on write happens on the disk: page_mkwrite gives the page new blocks, the memory stays where it is.',
      recorded: ['reflink_both_mapped.btrfs', 'reflink_both_mapped.xfs'],
    },
  ],
};
