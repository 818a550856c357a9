import {
  byte,
  choice,
  flags,
  name,
  number,
  optional,
  pageNumber,
  pageList,
  withDefault,
  type ArgumentTable,
  type ValuesOf,
} from './arguments.js';

export const MAP_KINDS = ['anon', 'shmem', 'tmpfs', 'ext4', 'xfs', 'btrfs', 'dax', 'hugetlb', 'hugefile'] as const;
export type MapKind = (typeof MAP_KINDS)[number];

export const ADVICES = [
  'dontneed',
  'dontneed_locked',
  'free',
  'remove',
  'cold',
  'pageout',
  'collapse',
  'willneed',
  'populate_read',
  'populate_write',
  'dontfork',
  'dofork',
  'wipeonfork',
  'keeponfork',
  'mergeable',
  'unmergeable',
  'hugepage',
  'nohugepage',
  'guard_install',
  'guard_remove',
  'normal',
  'random',
  'sequential',
  'dontdump',
  'hwpoison',
  'soft_offline',
] as const;
export type Advice = (typeof ADVICES)[number];

const area = name('an area');
const mr = name('a memory region');
const range = { first: pageNumber(), pages: pageNumber() };
const someRange = { first: optional(pageNumber()), pages: optional(pageNumber()) };
const proc = { proc: optional(name('a process')) };
const inArea = { map: area, ...proc };
const prot = choice('rw', 'r', 'none');
const share = choice('private', 'shared');
const access = flags('lw', 'rw', 'rr', 'ra', 'huge', 'none');
const mode = choice('odp', 'pinned');
/** page=3, page=1,4,5 or first=0 pages=16 stride=2. */
const pages = {
  page: optional(pageList()),
  ...someRange,
  stride: withDefault(number(1), 1),
};
/** Bytes of a file: a page, a run of pages, or off and len in bytes. */
const bytes = {
  page: optional(pageNumber()),
  ...someRange,
  off: optional(number()),
  len: optional(number()),
};
/** Bytes from the beginning of a page. */
const inPage = withDefault(number(0, 2 ** 21), 0);
const remote = { mr, ...pages, len: withDefault(number(), 64), offset: inPage };
const local = { mr, page: pageNumber(), len: withDefault(number(), 64) };
const none = {};

/** Every op of the language and its arguments. docs/programs.md says what they mean. */
export const OPS = {
  map: {
    name: area,
    kind: optional(choice(...MAP_KINDS)),
    share,
    prot,
    pages: pageNumber(),
    content: withDefault(choice('hole', 'written', 'cached'), 'hole'),
    thp: withDefault(choice('never', 'inherit', 'advise'), 'never'),
    file: optional(name('a file')),
    offset: withDefault(pageNumber(), 0),
    ...proc,
  },
  mmap_fixed: {
    ...inArea,
    ...range,
    prot,
    share,
    kind: optional(choice('anon', 'shmem', 'hugetlb')),
    file: optional(name('a file')),
    offset: withDefault(pageNumber(), 0),
  },
  munmap: { ...inArea, ...range },
  mlock: { ...inArea, ...range },
  munlock: { ...inArea, ...range },
  mprotect: { ...inArea, ...range, prot },
  madvise: { ...inArea, ...range, advice: choice(...ADVICES) },
  msync: { ...inArea, ...range, flags: choice('sync', 'async', 'invalidate') },
  mremap: {
    ...inArea,
    ...range,
    new_pages: pageNumber(),
    to: optional(area),
    to_first: withDefault(pageNumber(), 0),
    dontunmap: withDefault(choice(0, 1), 0),
  },
  clear_refs: { n: number(), ...proc },
  move_pages: { ...inArea, ...pages },
  mbind: {
    ...inArea,
    ...range,
    policy: withDefault(choice('other', 'default'), 'other'),
    ref: optional(pageNumber()),
  },
  fork: { child: name('a process'), ...proc },
  exit: proc,
  after_exit: none,
  exec: none,
  kill: none,
  cpu_write: { ...inArea, ...pages, value: byte(), offset: inPage },
  cpu_read: { ...inArea, ...pages, offset: inPage },
  fill: { ...inArea, ...range, value: byte() },
  mr: {
    name: mr,
    map: area,
    mode: withDefault(mode, 'odp'),
    access: withDefault(access, 'lw,rw,rr,ra'),
    ...range,
    offset: withDefault(number(), 0),
    len: optional(number(0, 2 ** 35)),
  },
  rereg_mr: {
    mr,
    change: choice('access', 'translation'),
    access: optional(access),
    mode: optional(mode),
    ...someRange,
  },
  dereg: { mr },
  advise_mr: {
    mr,
    advice: choice('prefetch', 'prefetch_write', 'prefetch_no_fault'),
    ...range,
    flush: withDefault(choice(0, 1), 1),
    lkey: optional(number()),
  },
  keeper: none,
  rdma_write: { ...remote, value: byte() },
  rdma_read: remote,
  rdma_faa: { mr, page: pageNumber(), add: number() },
  rdma_cas: { mr, page: pageNumber(), cmp: number(), swap: number() },
  recv: { ...local, value: byte() },
  send: local,
  rdma_write_from: local,
  fsync: inArea,
  fdatasync: inArea,
  syncfs: inArea,
  fadvise_dontneed: inArea,
  sync_file_range: { ...inArea, ...range, flags: choice('write', 'before,write,after') },
  sync: proc,
  wait_background_writeback: none,
  ftruncate: { ...inArea, pages: optional(pageNumber()), bytes: optional(number()) },
  fallocate: {
    ...inArea,
    mode: choice('punch', 'zero', 'zero_keep_size', 'collapse', 'insert', 'alloc'),
    ...someRange,
    off: optional(number()),
    len: optional(number()),
  },
  pwrite: { ...inArea, ...bytes, value: byte() },
  pread: { ...inArea, ...bytes },
  odirect_write: { ...inArea, ...bytes, value: byte() },
  odirect_read: { ...inArea, ...bytes },
  odirect_read_into: { ...inArea, ...range },
  odirect_write_from: { ...inArea, ...range },
  reflink: { ...inArea, name: name('a file') },
  unlink: inArea,
  close: inArea,
  drop_caches: { n: number() },
  uffd_register: { ...inArea, ...range, mode: flags('missing', 'wp') },
  uffd_wp: { ...inArea, ...range, on: choice(0, 1) },
  uffd_unregister: { ...inArea, ...range },
  ksm_scan: { scans: number() },
  set: { name: choice('shmem_thp', 'mthp64k'), value: choice('advise', 'always', 'never') },
  folios: inArea,
  freeze: { ...inArea, thaw_ms: number() },
  wait_thaw: none,
  sleep: { ms: number() },
} as const satisfies Readonly<Record<string, ArgumentTable>>;

export type OpName = keyof typeof OPS;

/** The arguments of an op, defaults filled in. */
export type ArgsOf<K extends OpName> = ValuesOf<(typeof OPS)[K]>;
