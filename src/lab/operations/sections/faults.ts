import { REGION, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const FAULTS: Section = {
  title: 'The device’s own faults',
  text: 'The device maps what the CPU has mapped when a region is registered. Whatever else it needs it asks for, page by page: F is a fault for writing, R for reading, and w, r are the page faults of the kernel that these cause, if any.',
  memory: memory('anon', 'tmpfs', 'ext4'),
  setup: [],
  operations: [
    {
      title: 'Registration of populated memory',
      on: ['anon', 'tmpfs', 'ext4'],
      before: ['cpu_write map=m first=0 pages=16 value=0x22'],
      lines: [REGION, 'rdma_write mr=r first=0 pages=16 value=0x33'],
      says: 'Registration faults nothing in, but takes a snapshot of what is there. Accesses to such pages never fault.',
      recorded: ['clear_refs.ext4', 'clear_refs.tmpfs', 'exec.anon'],
    },
    {
      title: 'Registration of nothing',
      on: ['anon'],
      lines: [
        'mr name=u map=m first=4096 pages=16',
        'rdma_write mr=u page=4096 value=0x22',
        'mmap_fixed map=m first=4096 pages=16 kind=anon share=private prot=rw',
        'rdma_write mr=u page=4096 value=0x33',
      ],
      says: 'Registration does not look at the mapping: holes, PROT_NONE and read-only memory are accepted, and each access finds out for itself. Memory that is mapped later is served.',
      recorded: ['odp_registration.anon'],
    },
    {
      title: 'Reading first, then writing',
      on: ['anon', 'tmpfs', 'ext4'],
      before: [REGION],
      lines: ['rdma_read mr=r page=5', 'rdma_write mr=r page=5 value=0x35'],
      says: 'What the device may do follows from the page table entry, not from what it asked for. tmpfs maps a page writable at once, and one fault does for both. A file system wants to know of the first write, so the entry is read-only and the write faults again. Anonymous memory has the zero page, which is replaced in the middle of the device’s fault.',
      recorded: ['read_first.anon', 'read_first.ext4', 'read_first.tmpfs'],
    },
    {
      title: 'The CPU writes what the device has read',
      on: ['anon', 'ext4'],
      before: [REGION, 'rdma_read mr=r page=6'],
      lines: ['cpu_write map=m page=6 value=0x36', 'rdma_read mr=r page=6'],
      says: 'A copy in place of the zero page is an event; an upgrade of an entry to writable is none, and the device goes on reading through what it has.',
      recorded: ['read_first.anon', 'read_first.ext4'],
    },
    {
      title: 'Prefetching',
      on: ['anon', 'ext4'],
      before: [REGION],
      lines: [
        'advise_mr mr=r advice=prefetch first=0 pages=2 flush=1',
        'advise_mr mr=r advice=prefetch_write first=2 pages=2 flush=1',
        'advise_mr mr=r advice=prefetch_no_fault first=4 pages=2 flush=1',
      ],
      says: 'Prefetching for writing calls page_mkwrite and dirties the pages of a file, though nothing is written. Without faults only what the CPU has mapped is taken, and finding nothing is success.',
      recorded: ['rdma_advise.anon', 'rdma_advise.ext4'],
    },
  ],
};
