import { HPAGE_SIZE, PAGE_SIZE, PTRS_PER_PTE, isErrno } from '../../../src/base/index.js';
import { RandomPolicy, RandomStream, type Task } from '../../../src/engine/index.js';
import { ADVICES, insertPfn, madvise, mremap, munmap, pteFrame } from '../../../src/mm/index.js';
import {
  MIRROR_PROT_ERROR,
  MIRROR_PROT_NONE,
  MIRROR_PROT_PMD,
  MIRROR_PROT_READ,
  MIRROR_PROT_WRITE,
  MIRROR_PROT_ZERO,
} from '../../../devices/mirror/index.js';
import { BASE } from '../../support/machine.js';
import { HmmSelftest, NONE, READ, SHARED, WRITE, counting } from './hmm-selftest.js';

/** The selftests of HMM (tools/testing/selftests/mm/hmm-tests.c) that need no device memory, by their names there. */
const PAGES = 256;
const HUGE = PTRS_PER_PTE;

describe('open_close', () => {
  it('a device opens and closes, and nothing is left', () => {
    const t = new HmmSelftest();
    t.map(4, WRITE);
    t.fill(4, () => 1);
    t.deviceRead(4);
    t.run(t.mirror.close());
    t.munmap(0, 4);
    expect(t.rules?.finish()).toBeUndefined();
  });
});

describe('anon_read', () => {
  it('a device reads zeros where nothing was touched and values where something was, with one fault', () => {
    const t = new HmmSelftest();
    t.map(PAGES, WRITE);
    for (let page = 2; page < PAGES; page += 3) t.store(page, page);
    t.protect(PAGES, READ);
    const expected = counting(PAGES).map((page) => (page % 3 === 2 ? page & 0xff : 0));
    expect(t.deviceRead(PAGES)).toEqual({ bytes: expected, faults: 1 });
  });
});

describe('anon_read_prot', () => {
  it('cannot read what has no rights, and the memory is as it was', () => {
    const t = new HmmSelftest();
    t.map(PAGES, WRITE);
    t.fill(PAGES, (page) => page);
    t.protect(PAGES, NONE);
    expect(t.errno(t.mirror.read(BASE, new Uint8Array(PAGES * PAGE_SIZE)))).toBe('EFAULT');
    t.protect(PAGES, READ);
    expect(t.seen(PAGES)).toEqual(counting(PAGES));
  });
});

describe('anon_write', () => {
  it('what the device writes the CPU finds, with one fault', () => {
    const t = new HmmSelftest();
    t.map(PAGES, WRITE);
    expect(t.deviceWrite(PAGES, (page) => page)).toBe(1);
    expect(t.seen(PAGES)).toEqual(counting(PAGES));
  });
});

describe('anon_write_prot', () => {
  it('reads the zero page of a mapping for reading, cannot write there, and can after mprotect', () => {
    const t = new HmmSelftest();
    t.map(PAGES, READ);
    expect(t.deviceRead(1)).toEqual({ bytes: [0], faults: 1 });
    expect(t.snapshot(1)[0] & MIRROR_PROT_ZERO).toBe(MIRROR_PROT_ZERO);
    expect(t.errno(t.mirror.write(BASE, new Uint8Array(PAGES * PAGE_SIZE).fill(9)))).toBe('EPERM');
    expect(t.seen(PAGES)).toEqual(counting(PAGES).map(() => 0));
    t.protect(PAGES, WRITE);
    expect(t.deviceWrite(PAGES, (page) => page)).toBe(1);
    expect(t.seen(PAGES)).toEqual(counting(PAGES));
    expect(t.kernel.mm.isZero(pteFrame(t.pte(0)))).toBe(false);
  });
});

describe.each([
  ['base pages', 16],
  ['THP', HUGE],
])('anon_write_child, %s', (_what, pages) => {
  it('writing through the child’s mirror copies: the parent keeps what it had', () => {
    const t = new HmmSelftest();
    t.map(pages, WRITE);
    t.fill(pages, (page) => page);
    const { child, mirror } = t.fork();
    t.deviceWrite(pages, (page) => page + 7, mirror);
    expect(t.seen(pages, child)).toEqual(counting(pages).map((page) => (page + 7) & 0xff));
    expect(t.seen(pages)).toEqual(counting(pages).map((page) => page & 0xff));
  });

  it('nor does the parent’s mirror, which had the pages before, write to what they share now', () => {
    const t = new HmmSelftest();
    t.map(pages, WRITE);
    t.deviceWrite(pages, (page) => page);
    const { child } = t.fork();
    t.deviceWrite(pages, () => 99);
    expect(t.seen(pages, child)).toEqual(counting(pages).map((page) => page & 0xff));
  });
});

describe('anon_write_child_shared', () => {
  it('shared memory is not copied: the parent sees what the child’s device writes', () => {
    const t = new HmmSelftest();
    t.map(16, WRITE | SHARED, t.shmem(16));
    t.fill(16, (page) => page);
    t.deviceWrite(16, (page) => page + 7, t.fork().mirror);
    expect(t.seen(16)).toEqual(counting(16).map((page) => page + 7));
  });
});

describe('anon_write_huge', () => {
  it('writes 2 MiB with one fault, into one huge page', () => {
    const t = new HmmSelftest();
    t.map(HUGE, WRITE);
    expect(t.deviceWrite(HUGE, (page) => page)).toBe(1);
    expect(t.seen(HUGE)).toEqual(counting(HUGE).map((page) => page & 0xff));
    expect(t.snapshot(1)).toEqual([MIRROR_PROT_WRITE | MIRROR_PROT_PMD]);
  });
});

describe('anon_write_hugetlbfs', () => {
  it('writes huge pages of hugetlb', () => {
    const t = new HmmSelftest();
    t.map(HUGE, WRITE, t.hugetlb());
    expect(t.deviceWrite(HUGE, (page) => page)).toBe(1);
    expect(t.seen(HUGE)).toEqual(counting(HUGE).map((page) => page & 0xff));
  });
});

describe('file_read', () => {
  it('reads a file that is mapped shared', () => {
    const t = new HmmSelftest();
    const file = t.ext4(16);
    for (let page = 0; page < 16; page++) t.pwrite(file, page * PAGE_SIZE, [page]);
    t.map(16, READ | SHARED, file);
    expect(t.deviceRead(16)).toEqual({ bytes: counting(16), faults: 1 });
  });
});

describe('file_write', () => {
  it('writes a file that is mapped shared: in the mapping, and for read(2)', () => {
    const t = new HmmSelftest();
    const file = t.ext4(16);
    t.map(16, WRITE | SHARED, file);
    expect(t.deviceWrite(16, (page) => page)).toBe(1);
    expect(t.seen(16)).toEqual(counting(16));
    expect(counting(16).map((page) => t.pread(file, page * PAGE_SIZE, 1)[0])).toEqual(counting(16));
  });

  it('and again after writeback has cleaned it', () => {
    const t = new HmmSelftest();
    const file = t.ext4(4);
    t.map(4, WRITE | SHARED, file);
    t.deviceWrite(4, (page) => page);
    expect(t.fsync(file).folios).toBe(4);
    expect(t.deviceWrite(4, (page) => page + 1)).toBe(1);
    expect(t.fsync(file).folios).toBe(4);
  });
});

describe('anon_read_multiple', () => {
  it('fresh memory is read with one fault each time', () => {
    const t = new HmmSelftest();
    for (let round = 0; round < 10; round++) {
      t.map(PAGES, WRITE);
      t.fill(PAGES, (page) => page + round);
      const expected = counting(PAGES).map((page) => (page + round) & 0xff);
      expect(t.deviceRead(PAGES)).toEqual({ bytes: expected, faults: 1 });
      t.munmap(0, PAGES);
    }
  });
});

describe('anon_teardown', () => {
  it('half of the memory goes while the device reads: it gets an error, or all that was there', () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= 60; seed++) outcomes.add(teardown(seed));
    expect([...outcomes].sort()).toEqual(['EFAULT', 'all of it']);
  });

  function teardown(seed: number): string {
    const t = new HmmSelftest({ seed, schedule: new RandomPolicy(new RandomStream(seed)) });
    t.map(PAGES, WRITE);
    t.fill(PAGES, (page) => page);
    const target = new Uint8Array(PAGES * PAGE_SIZE);
    const read = t.simulation.spawn('read', errorOf(t.mirror.read(BASE, target)));
    t.simulation.spawn(
      'munmap',
      (function* (): Task {
        for (let steps = seed % 30; steps > 0; steps--) yield 0;
        yield* munmap(t.mm, BASE + (PAGES / 2) * PAGE_SIZE, (PAGES / 2) * PAGE_SIZE);
      })(),
    );
    t.simulation.run();
    if (read.result !== null) return read.result;
    expect(counting(PAGES).map((page) => target[page * PAGE_SIZE])).toEqual(counting(PAGES));
    return 'all of it';
  }
});

describe('mixedmap', () => {
  it('a page that a driver has put into a mapping is seen as readable', () => {
    const t = new HmmSelftest();
    t.map(1, READ, t.shmem(1));
    const vma = t.mm.vmas.at(BASE);
    const frame = t.memory.allocate(0);
    if (vma !== null) insertPfn(vma, BASE, frame, false);
    expect(t.snapshot(1)).toEqual([MIRROR_PROT_READ]);
  });
});

describe('snapshot', () => {
  it('tells holes, untouched, zero, read-only and writable pages apart, and faults nothing in', () => {
    const t = new HmmSelftest();
    t.map(5, WRITE);
    t.munmap(0, 1);
    t.load(2);
    t.store(3);
    t.store(4);
    t.protect(1, READ, 3);
    t.log.take();
    expect(t.snapshot(5)).toEqual([
      MIRROR_PROT_ERROR,
      MIRROR_PROT_NONE,
      MIRROR_PROT_ZERO | MIRROR_PROT_READ,
      MIRROR_PROT_READ,
      MIRROR_PROT_WRITE,
    ]);
    expect(t.log.take()).toBe('');
  });

  it('what a file has is read-only until somebody writes', () => {
    const t = new HmmSelftest();
    t.map(2, WRITE | SHARED, t.ext4(2));
    t.load(0);
    t.store(1);
    expect(t.snapshot(2)).toEqual([MIRROR_PROT_READ, MIRROR_PROT_WRITE]);
  });
});

describe('compound', () => {
  it('pages of hugetlb are part of a huge entry, writable and then not', () => {
    const t = new HmmSelftest();
    t.map(HUGE, WRITE, t.hugetlb());
    t.store(0);
    expect(new Set(t.snapshot(HUGE))).toEqual(new Set([MIRROR_PROT_WRITE | MIRROR_PROT_PMD]));
    t.protect(HUGE, READ);
    expect(new Set(t.snapshot(HUGE))).toEqual(new Set([MIRROR_PROT_READ | MIRROR_PROT_PMD]));
  });
});

describe('double_map', () => {
  it('two devices have the same pages, and both follow', () => {
    const t = new HmmSelftest();
    const second = t.second();
    t.map(16, WRITE);
    t.fill(16, (page) => page);
    expect([t.deviceRead(16).bytes, t.deviceRead(16, second).bytes]).toEqual([counting(16), counting(16)]);
    t.deviceWrite(16, (page) => page + 1, second);
    expect(t.deviceRead(16).bytes).toEqual(counting(16).map((page) => page + 1));
    t.run(t.kernel.madviseDontneed(t.process, BASE, 16 * PAGE_SIZE));
    expect([t.deviceRead(16).bytes[3], t.deviceRead(16, second).bytes[3]]).toEqual([0, 0]);
  });
});

describe('exclusive', () => {
  it('a device has pages to itself until the CPU touches them, and no increment is lost', () => {
    const t = exclusive(16);
    expect(t.mirror.countExclusive(BASE, 16)).toBe(16);
    expect(t.deviceRead(16)).toEqual({ bytes: counting(16), faults: 0 });
    increment(t, 16);
    expect(t.seen(16)).toEqual(counting(16).map((page) => page + 1));
    expect(t.mirror.countExclusive(BASE, 16)).toBe(0);
  });

  it('and so it is with pages of THP, which are split for it', () => {
    const t = exclusive(HUGE);
    increment(t, HUGE);
    expect(t.seen(HUGE)).toEqual(counting(HUGE).map((page) => (page + 1) & 0xff));
  });

  it('does not keep pages from being unmapped', () => {
    const t = exclusive(16);
    t.munmap(0, 16);
    expect([t.mirror.countExclusive(BASE, 16), t.errno(t.mirror.read(BASE, new Uint8Array(1)))]).toEqual([0, 'EFAULT']);
  });
});

describe('exclusive_mprotect', () => {
  it('what the CPU may only read the device cannot write, though it had it to itself', () => {
    const t = exclusive(16);
    t.protect(16, READ);
    expect(t.errno(t.mirror.write(BASE, new Uint8Array(16 * PAGE_SIZE)))).toBe('EPERM');
    expect(t.seen(16)).toEqual(counting(16));
  });
});

describe('exclusive_cow', () => {
  it('after fork parent and child have pages of their own', () => {
    const t = exclusive(16);
    const { child } = t.fork();
    increment(t, 16);
    expect(t.seen(16)).toEqual(counting(16).map((page) => page + 1));
    expect(t.seen(16, child)).toEqual(counting(16));
    expect(t.mirror.countExclusive(BASE, 16)).toBe(0);
  });
});

/** Pages that the device has to itself, counted through. */
function exclusive(pages: number): HmmSelftest {
  const t = new HmmSelftest();
  t.map(pages, WRITE);
  t.fill(pages, (page) => page);
  t.run(t.mirror.exclusive(BASE, pages));
  return t;
}

/** The CPU adds one to each page. */
function increment(t: HmmSelftest, pages: number): void {
  const old = t.seen(pages);
  t.fill(pages, (page) => Number(old[page]) + 1);
}

describe.each([false, true])('migrate_remap_fault, its mirror’s part (dontunmap %s)', (dontunmap) => {
  it.each([
    ['base pages', 16],
    ['THP', HUGE],
  ])('memory that has moved is found where it is now: %s', (_what, pages) => {
    const t = new HmmSelftest();
    const to = BASE + 4 * HPAGE_SIZE;
    t.map(pages, WRITE);
    t.deviceWrite(pages, (page) => page);
    t.run(mremap(t.mm, BASE, pages * PAGE_SIZE, pages * PAGE_SIZE, { to, dontunmap }));
    const target = new Uint8Array(pages * PAGE_SIZE);
    t.run(t.mirror.read(to, target));
    expect(counting(pages).map((page) => target[page * PAGE_SIZE])).toEqual(counting(pages).map((page) => page & 0xff));
    const old = t.errno(t.mirror.read(BASE, new Uint8Array(1)));
    expect(old).toBe(dontunmap ? null : 'EFAULT');
  });
});

describe('a mirror', () => {
  it('keeps what it wrote to memory that MADV_FREE had given up', () => {
    const t = new HmmSelftest();
    t.map(1, WRITE);
    t.store(0);
    t.run(madvise(t.mm, BASE, PAGE_SIZE, ADVICES.free));
    t.deviceWrite(1, () => 5);
    t.run(madvise(t.mm, BASE, PAGE_SIZE, ADVICES.pageout));
    expect(t.seen(1)).toEqual([5]);
  });

  it('nor does it forget that it wrote a page when it faults in that page again, with another one before it', () => {
    const t = new HmmSelftest();
    t.map(2, WRITE);
    t.fill(2, () => 1);
    t.run(madvise(t.mm, BASE, 2 * PAGE_SIZE, ADVICES.free));
    t.run(t.mirror.write(BASE + PAGE_SIZE, Uint8Array.of(5)));
    t.deviceRead(2);
    t.run(madvise(t.mm, BASE, 2 * PAGE_SIZE, ADVICES.pageout));
    expect(t.seen(2)[1]).toBe(5);
  });

  it('fails faults of a process that has gone', () => {
    const t = new HmmSelftest();
    t.map(1, WRITE);
    t.deviceRead(1);
    t.run(t.kernel.exit(t.process));
    expect(t.errno(t.mirror.read(BASE, new Uint8Array(1)))).toBe('EINVAL');
    t.run(t.mirror.close());
  });

  it('crosses pages where a buffer does', () => {
    const t = new HmmSelftest();
    t.map(3, WRITE);
    const data = Uint8Array.from({ length: 6000 }, (_, i) => i * 7);
    expect(t.run(t.mirror.write(BASE + 3000, data))).toEqual({ pages: 3, faults: 1 });
    const back = new Uint8Array(6000);
    t.run(t.kernel.load(t.process, BASE + 3000, back));
    expect(back).toEqual(data);
  });
});

/** The errno that a task throws; null if none. */
function* errorOf(task: Task<unknown>): Task<string | null> {
  try {
    yield* task;
    return null;
  } catch (error) {
    if (isErrno(error)) return error.code;
    throw error;
  }
}
