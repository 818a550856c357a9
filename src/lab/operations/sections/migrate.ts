import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const MIGRATE: Section = {
  title: 'Migration',
  text: 'Pages move between NUMA nodes, and to make room for larger ones. The event is CLEAR; MIGRATE is for memory of devices only, and never comes for this.',
  memory: memory('tmpfs', 'ext4'),
  setup: POPULATED,
  operations: [
    {
      title: 'move_pages and mbind',
      on: ['tmpfs', 'ext4'],
      lines: ['move_pages map=m first=4 pages=4', 'rdma_read mr=r page=4', 'mbind map=m first=0 pages=16 ref=4'],
      says: 'One event for each folio that moves; those on the right node already are left alone. The device’s fault finds the entry in place, and needs none of the CPU.',
      recorded: ['migrate.ext4', 'migrate.tmpfs'],
    },
  ],
};
