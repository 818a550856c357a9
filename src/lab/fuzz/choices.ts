import fc from 'fast-check';

/** One operation before it has arguments: what is drawn, and what shrinking makes smaller. */
export interface Choice {
  readonly op: string;
  /** Numbers from which the arguments are made; 0 is the simplest. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** What a program is made of: all that is drawn at random. */
export interface Choices {
  readonly size: number;
  readonly content: number;
  /** How the area is touched first. */
  readonly touch: number;
  readonly mr: Choice;
  readonly ops: readonly Choice[];
  /** Device and CPU read everything in the end. */
  readonly readAll: boolean;
  /** How it ends. */
  readonly end: number;
}

/** How often an operation appears, relative to the others: about as in the recordings. */
const ANY: Readonly<Record<string, number>> = {
  rdma_read: 26,
  rdma_write: 27,
  cpu_write: 22,
  cpu_read: 20,
  madvise: 24,
  mprotect: 8,
  fork: 6,
  exit_child: 4,
  child_access: 5,
  munmap: 4,
  mmap_fixed: 4,
  mremap: 4,
  move_pages: 4,
  mbind: 1,
  clear_refs: 4,
  advise_mr: 3,
  rdma_faa: 2,
  rdma_cas: 1,
  recv: 2,
  send: 1,
  rdma_write_from: 1,
  mr: 5,
  dereg: 1,
  folios: 3,
  mlock: 1,
  munlock: 1,
  second_map: 1,
  ksm: 1,
};

/** What files add to that. */
const FILE: Readonly<Record<string, number>> = {
  fsync: 12,
  fdatasync: 3,
  msync: 4,
  pwrite: 8,
  pread: 3,
  ftruncate: 5,
  fallocate: 5,
  sync_file_range: 2,
  odirect_write: 2,
  odirect_read: 2,
  fadvise_dontneed: 1,
  syncfs: 1,
  sync: 1,
  drop_caches: 1,
  second_map: 3,
};

/** What anonymous memory adds. */
const MEMORY: Readonly<Record<string, number>> = { uffd: 2, odirect_read_into: 1, odirect_write_from: 1 };

function choice(weights: Readonly<Record<string, number>>): fc.Arbitrary<Choice> {
  const ops = Object.entries(weights).map(([op, weight]) => ({ weight, arbitrary: fc.constant(op) }));
  return fc.record({ op: fc.oneof(...ops), a: fc.nat(0xffff), b: fc.nat(0xffff), c: fc.nat(0xffff) });
}

/** Programs, before they have a kind. @param file the area shows a file that system calls reach */
export function choices(file: boolean): fc.Arbitrary<Choices> {
  const weights = { ...ANY, ...(file ? FILE : MEMORY) };
  return fc.record({
    size: fc.nat(7),
    content: fc.nat(7),
    touch: fc.nat(7),
    mr: choice({ mr: 1 }),
    ops: fc.array(choice(weights), { minLength: 1, maxLength: 36, size: 'max' }),
    readAll: fc.boolean(),
    end: fc.nat(19),
  });
}

/** One of a list, by a number that was drawn. */
export function pick<T>(list: readonly T[], by: number): T {
  return list[by % list.length];
}
