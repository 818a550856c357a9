import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const ADVICE: Section = {
  title: 'Advice',
  text: 'Most of what madvise does to pages is announced as CLEAR.',
  memory: memory('anon', 'ext4'),
  setup: POPULATED,
  operations: [
    {
      title: 'MADV_DONTNEED',
      on: ['anon', 'ext4'],
      lines: ['madvise map=m first=4 pages=4 advice=dontneed', 'rdma_read mr=r page=4'],
      says: 'The device loses the range in either case. Anonymous memory has lost its contents as well: what comes back is the zero page.',
      recorded: ['madv_dontneed.anon', 'madv_dontneed.ext4'],
    },
    {
      title: 'MADV_FREE',
      on: ['anon'],
      lines: [
        'madvise map=m first=4 pages=4 advice=free',
        'rdma_read mr=r page=4',
        'madvise map=m first=4 pages=4 advice=pageout',
        'cpu_read map=m page=4',
      ],
      says: 'The device loses the pages at once, and can have them back with their contents until they are reclaimed. Reclaim drops them without writing them anywhere: what comes back is zeros.',
      recorded: ['madv_free.anon'],
    },
    {
      title: 'MADV_PAGEOUT, and back',
      on: ['anon', 'ext4'],
      lines: ['madvise map=m first=4 pages=4 advice=pageout', 'cpu_read map=m page=4', 'rdma_read mr=r page=5'],
      says: 'One event for each folio, as in all of reclaim; there is no reference that a device without pins could hold against it. Coming back is no event.',
      recorded: ['madv_pageout.anon', 'madv_pageout.ext4'],
    },
    {
      title: 'MADV_GUARD_INSTALL',
      on: ['anon'],
      lines: [
        'madvise map=m first=4 pages=4 advice=guard_install',
        'rdma_read mr=r page=4',
        'cpu_read map=m page=4',
        'madvise map=m first=4 pages=4 advice=guard_remove',
      ],
      says: 'The pages are dropped, and what was SIGSEGV for the CPU is -EFAULT for the device. Removing the guard is no event.',
      recorded: ['madv_guard.anon'],
    },
    {
      title: 'What says nothing',
      on: ['anon'],
      lines: [
        'mlock map=m first=0 pages=16',
        'munlock map=m first=0 pages=16',
        'madvise map=m first=0 pages=16 advice=cold',
        'madvise map=m first=0 pages=16 advice=willneed',
        'madvise map=m first=0 pages=16 advice=populate_read',
        'madvise map=m first=0 pages=16 advice=populate_write',
        'madvise map=m first=0 pages=16 advice=dontfork',
        'madvise map=m first=0 pages=16 advice=dofork',
        'madvise map=m first=0 pages=16 advice=sequential',
        'madvise map=m first=0 pages=16 advice=random',
        'madvise map=m first=0 pages=16 advice=hugepage',
        'madvise map=m first=0 pages=16 advice=nohugepage',
        'msync map=m first=0 pages=16 flags=async',
        'msync map=m first=0 pages=16 flags=invalidate',
      ],
      says: 'mlock keeps pages in memory, not in place: they still migrate, so it is no substitute for a pin. MADV_COLD clears accessed bits, and flushes only secondary TLBs; a driver that follows interval notifiers hears nothing.',
      recorded: ['no_event.anon'],
    },
  ],
};
