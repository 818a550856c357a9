import { memory } from '../memory.js';
import type { Section } from '../operation.js';

const WRITE = 'cpu_write map=m first=0 pages=16 value=0x22';
const PIN = 'mr name=r map=m mode=pinned first=0 pages=16';
const PIN_TO_READ = 'mr name=r map=m mode=pinned access=rr first=0 pages=16';

export const PINS: Section = {
  title: 'What a long-term pin changes',
  text: 'A driver that pins hears nothing, and its device keeps the frames it has, whatever becomes of the mapping. The keeper is a page elsewhere that is paged on demand: it makes the kernel notify, so that the events can be seen here.',
  memory: memory('anon', 'shmem', 'tmpfs', 'ext4', 'xfs', 'private ext4'),
  setup: ['keeper'],
  operations: [
    {
      title: 'A pin for writing',
      on: ['anon', 'tmpfs', 'private ext4', 'ext4'],
      before: [WRITE],
      lines: [PIN],
      says: 'Shared files of file systems that track dirty pages are refused since Linux 6.5, because writes through the pin would go unnoticed. It is the same for a region that only local writes are allowed to.',
      recorded: ['pin_dontneed.anon', 'pin_dontneed.ext4priv', 'pin_dontneed.tmpfs', 'pin_munmap.ext4'],
    },
    {
      title: 'A pin for reading',
      on: ['xfs'],
      before: ['cpu_write map=m first=0 pages=16 value=0x11', PIN_TO_READ, 'fsync map=m'],
      lines: [
        'cpu_write map=m page=3 value=0x33',
        'rdma_read mr=r page=3',
        'fallocate map=m mode=punch first=4 pages=2',
        'rdma_read mr=r page=4',
      ],
      says: 'A region that can only be read remotely may pin a shared file. It sees what is written, for as long as the page belongs to the file, and goes on reading the old page when it does not.',
      recorded: ['pin_ro_file.xfs'],
    },
    {
      title: 'A pin for reading of the zero page',
      on: ['anon'],
      lines: [PIN_TO_READ, 'cpu_write map=m page=3 value=0x33', 'rdma_read mr=r page=3'],
      says: 'The zero pages are replaced before they are pinned, each with an event, so that later writes of the CPU are seen by the device.',
      recorded: ['pin_ro_private.anon'],
    },
    {
      title: 'fork',
      on: ['anon', 'private ext4'],
      before: [WRITE, PIN],
      lines: ['fork child=c1', 'cpu_write map=m page=3 value=0x33', 'rdma_read mr=r page=3'],
      says: 'Pinned pages are copied for the child during fork, so the parent’s write needs no copy: device and parent stay together.',
      recorded: ['pin_fork.anon', 'pin_fork.ext4priv'],
    },
    {
      title: 'MADV_DONTNEED',
      on: ['anon', 'tmpfs'],
      before: [WRITE, PIN],
      lines: [
        'madvise map=m first=4 pages=4 advice=dontneed',
        'rdma_write mr=r page=5 value=0x33',
        'cpu_read map=m page=5',
      ],
      says: 'Anonymous memory comes back as another page, and device and CPU have parted for good. Shared memory comes back as the page that is pinned.',
      recorded: ['pin_dontneed.anon', 'pin_dontneed.tmpfs'],
    },
    {
      title: 'ftruncate',
      on: ['tmpfs'],
      before: [WRITE, PIN],
      lines: [
        'ftruncate map=m pages=4',
        'rdma_write mr=r page=5 value=0x33',
        'cpu_read map=m page=5',
        'ftruncate map=m pages=16',
        'cpu_read map=m page=5',
      ],
      says: 'The frame is kept but is no page of the file any more: SIGBUS for the CPU, success for the device, and zeros once the file is long enough again.',
      recorded: ['pin_truncate.tmpfs'],
    },
    {
      title: 'Reclaim and mprotect',
      on: ['anon'],
      before: [WRITE, PIN],
      lines: [
        'madvise map=m first=4 pages=4 advice=pageout',
        'mprotect map=m first=0 pages=4 prot=none',
        'rdma_write mr=r page=1 value=0x34',
      ],
      says: 'Pinned anonymous pages are passed over by reclaim, without an event. Rights were checked at registration, and the device ignores what becomes of them.',
      recorded: ['pin_mprotect.anon', 'pin_pageout.anon'],
    },
    {
      title: 'Migration',
      on: ['shmem'],
      before: [WRITE, PIN],
      lines: ['move_pages map=m first=4 pages=4', 'rdma_write mr=r page=5 value=0x33'],
      says: 'The pages stay, after the kernel has tried more than once: each time entries are taken away, with an event, and put back. Somebody else’s device that pages on demand faults for nothing.',
      recorded: ['pin_migrate.anonshared'],
    },
  ],
};
