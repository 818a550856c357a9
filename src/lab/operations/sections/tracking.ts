import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

const REGISTER = 'uffd_register map=m first=0 pages=16 mode=wp,missing';

export const TRACKING: Section = {
  title: 'Soft-dirty and userfaultfd',
  text: 'Checkpoints, migration of virtual machines and garbage collectors ask the kernel who writes where. Does it know of the device?',
  memory: memory('anon', 'shmem', 'tmpfs'),
  setup: POPULATED,
  operations: [
    {
      title: 'clear_refs',
      on: ['shmem', 'tmpfs'],
      lines: [
        'clear_refs n=4',
        'rdma_read mr=r page=0',
        'rdma_write mr=r page=0 value=0x33',
        'clear_refs n=1',
        'clear_refs n=2',
        'clear_refs n=3',
      ],
      says: 'To clear soft-dirty bits is one event for the whole address space: the device loses everything it has, in every region. Its next write faults and sets the bit, so it is not missed. To clear referenced bits is no event, and the device goes on without leaving a trace in them.',
      recorded: ['clear_refs.anonshared', 'clear_refs.tmpfs'],
    },
    {
      title: 'Write protection by userfaultfd',
      on: ['anon', 'shmem'],
      before: [REGISTER],
      lines: [
        'uffd_wp map=m first=4 pages=4 on=1',
        'cpu_write map=m page=5 value=0x33',
        'rdma_write mr=r page=6 value=0x34',
        'uffd_wp map=m first=4 pages=4 on=0',
      ],
      says: 'The CPU’s write waits for the handler, which un-protects the page with an event of its own. The device’s write does not wait up to Linux 7.2: it fails, and the handler never hears of it (Linux 7.3 lets it wait). To protect and to un-protect are both PROTECTION_VMA.',
      recorded: ['uffd_wp.anon', 'uffd_wp.anonshared'],
    },
    {
      title: 'Missing pages',
      on: ['anon'],
      before: [REGISTER, 'madvise map=m first=8 pages=4 advice=dontneed'],
      lines: ['cpu_read map=m page=8', 'rdma_read mr=r page=9', 'uffd_unregister map=m first=0 pages=16'],
      says: 'The handler gives the CPU its page. The device gets an access error, so post-copy migration and on-demand paging do not go together on this kernel. Unregistering is an event when write protection was asked for.',
      recorded: ['uffd_wp.anon'],
    },
  ],
};
