import { POPULATED, memory } from '../memory.js';
import type { Section } from '../operation.js';

export const UNMAP: Section = {
  title: 'Unmapping and protecting',
  text: 'System calls that change mappings announce ranges of the call or of the mapping, whatever is populated in them.',
  memory: memory('anon', 'shmem', 'ext4'),
  setup: POPULATED,
  operations: [
    {
      title: 'munmap',
      on: ['shmem'],
      lines: [
        'munmap map=m first=4 pages=4',
        'rdma_read mr=r page=5',
        'munmap map=m first=0 pages=2',
        'munmap map=m first=0 pages=16',
      ],
      says: 'One event with the range of the call, whether it is all mapped or has holes, as in the end. A later access finds no mapping: the fault fails with -EFAULT, the peer gets a remote access error, and its queue pair is lost.',
      recorded: ['munmap_part.anonshared'],
    },
    {
      title: 'munmap of several mappings, and of none',
      on: ['anon', 'ext4'],
      before: ['mprotect map=m first=4 pages=4 prot=r'],
      lines: ['munmap map=m first=2 pages=8', 'munmap map=m first=2 pages=8'],
      says: 'Three mappings lie in the range and one event covers them. Where nothing is mapped there is no event: a driver cannot count on one event for each call. See where the secondary TLBs are flushed: for private memory after the end of the event, for dirty pages of files before it.',
      recorded: ['multi_vma.anon', 'multi_vma.ext4'],
    },
    {
      title: 'mmap with MAP_FIXED over a part',
      on: ['anon'],
      lines: ['mmap_fixed map=m first=4 pages=4 kind=anon share=private prot=rw', 'rdma_read mr=r page=4'],
      says: 'What was there goes with an UNMAP, what replaces it comes without an event. The region is a range of addresses: it serves the new memory after a fault, and need not be registered again.',
      recorded: ['map_fixed_over.anon'],
    },
    {
      title: 'mprotect to fewer rights, and to more',
      on: ['anon', 'ext4'],
      lines: [
        'mprotect map=m first=4 pages=4 prot=r',
        'rdma_write mr=r page=5 value=0x33',
        'mprotect map=m first=4 pages=4 prot=r',
        'mprotect map=m first=4 pages=4 prot=rw',
      ],
      says: 'A write is refused with -EPERM, which the peer cannot tell from a hole. To set the rights that are there already is no event. To give them back is one: widening takes the pages from the device as narrowing does, although it could have kept them.',
      recorded: ['mprotect.anon', 'mprotect.ext4'],
    },
    {
      title: 'mprotect to no rights',
      on: ['anon', 'ext4'],
      lines: ['mprotect map=m first=0 pages=16 prot=none', 'rdma_read mr=r page=5'],
      says: 'The pages are there, and yet the fault fails as in a hole.',
      recorded: ['mprotect.anon', 'mprotect.ext4'],
    },
    {
      title: 'mprotect over several mappings',
      on: ['anon', 'ext4'],
      before: ['mprotect map=m first=4 pages=4 prot=r'],
      lines: ['mprotect map=m first=2 pages=10 prot=r'],
      says: 'Other than munmap, one event for each mapping whose rights change. The one in the middle has its rights already and is left alone.',
      recorded: ['multi_vma.anon', 'multi_vma.ext4'],
    },
  ],
};
