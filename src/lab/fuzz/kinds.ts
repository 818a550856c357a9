import type { MapKind } from '../program/index.js';

/** What the programs of a kind begin with, and which operations they are made of. */
export interface ProgramKind {
  readonly name: string;
  readonly kind: MapKind;
  readonly share: 'private' | 'shared';
  /** Sizes of the area in pages. */
  readonly pages: readonly number[];
  readonly thp: 'never' | 'inherit' | 'advise' | null;
  /** Contents that its file may begin with; none without a file. */
  readonly contents: readonly ('hole' | 'cached' | 'written')[];
  /** A policy to set before anything else. */
  readonly set?: string;
}

const SMALL = [16, 16, 12, 24, 32] as const;
const BIG = [1536] as const;
const CONTENTS = ['hole', 'cached', 'written'] as const;

function small(name: string, kind: MapKind, share: 'private' | 'shared'): ProgramKind {
  return {
    name,
    kind,
    share,
    pages: SMALL,
    thp: 'never',
    contents: kind === 'anon' || kind === 'shmem' ? [] : CONTENTS,
  };
}

function big(name: string, kind: MapKind): ProgramKind {
  return { name, kind, share: 'shared', pages: BIG, thp: 'inherit', contents: ['cached'] };
}

/** The kinds of programs that can be generated, as in the recordings. */
export const KINDS: readonly ProgramKind[] = [
  small('anon', 'anon', 'private'),
  { ...small('anonbig', 'anon', 'private'), pages: BIG },
  { ...small('thp', 'anon', 'private'), pages: [1024], thp: 'advise' },
  { ...small('mthp', 'anon', 'private'), pages: [32, 48], thp: 'inherit', set: 'set name=mthp64k value=always' },
  small('shmem', 'shmem', 'shared'),
  {
    ...small('thpshmem', 'shmem', 'shared'),
    pages: [1024],
    thp: 'advise',
    set: 'set name=shmem_thp value=advise',
  },
  small('tmpfs', 'tmpfs', 'shared'),
  small('tmpfspriv', 'tmpfs', 'private'),
  small('ext4', 'ext4', 'shared'),
  small('ext4priv', 'ext4', 'private'),
  big('ext4big', 'ext4'),
  small('xfs', 'xfs', 'shared'),
  small('xfspriv', 'xfs', 'private'),
  big('xfsbig', 'xfs'),
  small('btrfs', 'btrfs', 'shared'),
  small('btrfspriv', 'btrfs', 'private'),
  big('btrfsbig', 'btrfs'),
  small('dax', 'dax', 'shared'),
  { ...small('hugetlb', 'hugetlb', 'private'), pages: [1024], thp: null, contents: [] },
  { ...small('hugetlbshared', 'hugetlb', 'shared'), pages: [1024], thp: null, contents: [] },
  { ...small('hugefile', 'hugefile', 'shared'), pages: [1024], thp: null, contents: [] },
];
