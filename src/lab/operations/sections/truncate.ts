import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

const FILES = ['ext4', 'xfs', 'btrfs', 'tmpfs'];

export const TRUNCATE: Section = {
  title: 'Truncation and holes',
  text: 'Pages of a file that go away are cleared wherever they are mapped, private copies included when the file gets shorter.',
  memory: memory('ext4', 'xfs', 'btrfs', 'tmpfs', 'dax'),
  setup: POPULATED,
  operations: [
    {
      title: 'ftruncate to a shorter file',
      on: FILES,
      lines: ['ftruncate map=m pages=8', 'rdma_read mr=r page=8', 'ftruncate map=m bytes=24676'],
      says: 'Two CLEARs of all that lies beyond the new end, before and after the page cache is dropped, because a private page may be copied in between. An access there is SIGBUS for the CPU and -EFAULT for the device. A last page that is cut stays mapped, and the device may go on writing behind the end of the file; only btrfs cleans it.',
      recorded: ['truncate.btrfs', 'truncate.ext4', 'truncate.tmpfs', 'truncate.xfs'],
    },
    {
      title: 'ftruncate of what is empty',
      on: FILES,
      before: ['ftruncate map=m pages=8'],
      lines: ['ftruncate map=m pages=0', 'ftruncate map=m pages=0'],
      says: 'To be told of the same range again means nothing: the second time there is not even a page of the file left.',
      recorded: ['truncate.btrfs', 'truncate.ext4', 'truncate.tmpfs', 'truncate.xfs'],
    },
    {
      title: 'ftruncate to a longer file',
      on: FILES,
      before: ['ftruncate map=m bytes=20580'],
      lines: ['ftruncate map=m pages=16'],
      says: 'No page goes away, and still ext4 and xfs take the old last page from the device: its next write must be a fault, so that the blocks behind the old end get allocated.',
      recorded: ['pwrite_past_eof.btrfs', 'pwrite_past_eof.ext4', 'pwrite_past_eof.tmpfs', 'pwrite_past_eof.xfs'],
    },
    {
      title: 'A hole of whole pages',
      on: FILES,
      lines: ['fallocate map=m mode=punch first=4 pages=2', 'rdma_read mr=r page=4'],
      says: 'The pages in the hole are cleared. xfs writes the range back first, and btrfs all that is dirty from there on, each page with an event of its own.',
      recorded: ['punch_hole.btrfs', 'punch_hole.ext4', 'punch_hole.tmpfs', 'punch_hole.xfs'],
    },
    {
      title: 'A hole that is not aligned',
      on: FILES,
      before: ['fallocate map=m mode=punch first=4 pages=2'],
      lines: ['fallocate map=m mode=punch off=32868 len=8192'],
      says: 'Only page 9 lies wholly in it. ext4 cleans the page in which it begins, where it zeroes a part; xfs rounds outwards and clears all three, after writing them back; btrfs and tmpfs clear the one in the middle.',
      recorded: ['punch_hole.btrfs', 'punch_hole.ext4', 'punch_hole.tmpfs', 'punch_hole.xfs'],
    },
    {
      title: 'MADV_REMOVE',
      on: ['ext4', 'xfs', 'tmpfs'],
      lines: ['madvise map=m first=4 pages=2 advice=remove'],
      says: 'A hole in the file again, and the same events.',
      recorded: ['madv_remove.ext4', 'madv_remove.tmpfs', 'madv_remove.xfs'],
    },
    {
      title: 'Holes and truncation with DAX',
      on: ['dax'],
      lines: ['fallocate map=m mode=punch first=4 pages=2', 'ftruncate map=m pages=2'],
      says: 'The blocks are the memory, so before any of them is freed everything is unmapped from everybody: the first CLEAR is the whole file.',
      recorded: ['dax_file.dax'],
    },
  ],
};
