import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const END: Section = {
  title: 'The end',
  text: 'Of the region, and of the process.',
  memory: memory('anon'),
  setup: POPULATED,
  operations: [
    {
      title: 'Deregistration',
      lines: ['dereg mr=r', 'munmap map=m first=0 pages=16'],
      says: 'The driver unmaps by itself. The address space stays subscribed for a while: later events come, and nobody’s range overlaps.',
      recorded: ['no_event.anon'],
    },
    {
      title: 'exit',
      lines: ['exit'],
      says: 'RELEASE reaches the driver before anything is unmapped, then one UNMAP of the whole address space, and only when the file descriptor is closed does the region go. Between the two the device must not touch memory, whatever requests arrive.',
      recorded: ['exit.anon'],
    },
    {
      title: 'exec',
      lines: ['exec'],
      says: 'The same: the old address space ends.',
      recorded: ['exec.anon'],
    },
    {
      title: 'kill',
      lines: ['kill'],
      says: 'The same: no cooperation of the program is needed.',
      recorded: ['kill.anon'],
    },
  ],
};
