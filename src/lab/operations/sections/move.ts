import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const MOVE: Section = {
  title: 'Moving',
  text: 'A region does not follow what mremap moves away: it stays with its addresses.',
  memory: memory('anon', 'ext4'),
  setup: POPULATED,
  operations: [
    {
      title: 'mremap to another place, and back',
      on: ['anon', 'ext4'],
      lines: [
        'mremap map=m first=0 pages=16 new_pages=16 to=d to_first=0',
        'rdma_write mr=r page=0 value=0x33',
        'mremap map=d first=0 pages=16 new_pages=16 to=m to_first=0',
        'rdma_write mr=r page=0 value=0x34',
      ],
      says: 'Two UNMAPs of the same range: the entries are moved, then the old mapping is taken down. Nothing is said of the place they go to, where there was nothing to lose. When memory is back the region works again.',
      recorded: ['mremap.anon', 'mremap.ext4'],
    },
    {
      title: 'mremap to another size',
      on: ['anon'],
      lines: ['mremap map=m first=0 pages=16 new_pages=12', 'mremap map=m first=0 pages=12 new_pages=16'],
      says: 'Shrinking is a munmap of the end; growing in place is no event.',
      recorded: ['mremap.anon'],
    },
    {
      title: 'mremap with MREMAP_DONTUNMAP',
      on: ['anon', 'ext4'],
      before: ['rdma_write mr=r page=3 value=0x36'],
      lines: ['mremap map=m first=0 pages=16 new_pages=16 to=d to_first=0 dontunmap=1', 'rdma_read mr=r page=3'],
      says: 'Only the first of the two events of a move. The old mapping stays, empty: an access is no error but finds a fresh zero page, or the page of the file.',
      recorded: ['mremap.anon', 'mremap.ext4'],
    },
  ],
};
