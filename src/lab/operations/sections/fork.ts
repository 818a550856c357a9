import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

const FORK = 'fork child=c1';

export const FORK_AND_COPY: Section = {
  title: 'Fork and copy on write',
  text: 'fork makes private pages read-only in the parent, too, so that either side copies before it writes.',
  memory: memory('anon', 'private ext4', 'ext4', 'tmpfs'),
  setup: POPULATED,
  operations: [
    {
      title: 'fork',
      on: ['anon', 'private ext4', 'ext4', 'tmpfs'],
      lines: [FORK],
      says: 'One PROTECTION_PAGE for each private mapping that has pages of its own; shared mappings need no copy, and a driver hears nothing of their fork.',
      recorded: ['fork.anon', 'fork.ext4', 'fork.ext4priv', 'fork.tmpfs'],
    },
    {
      title: 'Writing after fork, and when the child has gone',
      on: ['anon', 'private ext4'],
      before: [FORK],
      lines: [
        'cpu_write map=m page=3 value=0x33',
        'cpu_write map=m page=3 value=0x34',
        'rdma_write mr=r page=4 value=0x44',
        'exit proc=c1',
        'cpu_write map=m page=9 value=0x39',
        'rdma_write mr=r page=10 value=0x3a',
      ],
      says: 'The first write copies, and clears one page. When it is the device that writes, the event comes in the middle of its own fault and for the page that it is about to map: the driver must see that its walk was overtaken, and go round again. Pages that nobody shares any more are reused without an event, and the device, which lost them by the fork, only faults.',
      recorded: ['fork.anon', 'fork.ext4priv'],
    },
    {
      title: 'What the child does',
      on: ['anon', 'ext4'],
      before: [FORK],
      lines: [
        'cpu_write proc=c1 map=m page=3 value=0x41',
        'munmap proc=c1 map=m first=8 pages=4',
        'madvise proc=c1 map=m first=0 pages=4 advice=dontneed',
      ],
      says: 'Another address space is none of the driver’s business: its notifier is registered with the parent.',
      recorded: ['fork_child_ops.anon', 'fork_child_ops.ext4'],
    },
  ],
};
