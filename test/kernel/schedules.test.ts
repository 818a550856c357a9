import { PAGE_SIZE } from '../../src/base/index.js';
import { RandomPolicy, RandomStream, type Task } from '../../src/engine/index.js';
import type { Inode } from '../../src/fs/index.js';
import { P0, type FileSystemKind } from '../../src/kernel/index.js';
import { pinUserPages, unpinUserPagesDirtyLock } from '../../src/mm/index.js';
import type { InvalidateRange } from '../../notifiers/index.js';
import { checkInvariants } from '../support/invariants.js';
import { Machine, address } from '../support/machine.js';

const PAGES = 12;

/** One machine under one random schedule: every lock is a point where any other task may go first. */
class Chaos {
  readonly m: Machine;
  readonly file: Inode;
  readonly other;
  private readonly random: RandomStream;

  constructor(seed: number, fileSystem: FileSystemKind, memory = 4 * 2 ** 20) {
    this.random = new RandomStream(seed);
    this.m = new Machine({
      seed,
      fileSystem,
      memory,
      policy: P0,
      schedule: new RandomPolicy(this.random.split('schedule')),
      costs: { minorFault: 300, pageMkwrite: 500, pteFlush: 100 },
    });
    this.file = this.m.file(PAGES);
    this.other = this.m.kernel.createProcess('other');
    this.m.mapFile(this.file);
    this.m.mapFileOf(this.other, this.file, { at: 4, pages: 8, offset: 2 });
    this.m.mapFile(this.file, { at: 100, share: 'private' });
    this.m.mapAnon(8, { at: 200 });
    // A device that needs time to let go, for some ranges.
    const device = this.random.split('device');
    this.m.kernel.invalidations$.subscribe((range: InvalidateRange) => {
      if (device.chance(0.5)) range.hold('nic', draining(device.between(0, 3000)));
    });
  }

  /** Does `what` a few times, in a task of its own. */
  task(name: string, times: number, what: (random: RandomStream) => Task<unknown>): void {
    const random = this.random.split(name);
    this.m.simulation.spawn(
      name,
      (function* (): Task {
        for (let i = 0; i < times; i++) {
          yield random.between(0, 4000);
          yield* what(random);
        }
      })(),
    );
  }

  /** Runs everything to its end, and beyond: no deadlock, and nothing lost or left behind. */
  finish(): void {
    this.m.simulation.run();
    this.m.simulation.runUntilIdle();
    checkInvariants(this.m.kernel, [this.m.mm, this.other.mm]);
  }

  /** What is in memory is what a reader gets when it comes from the disk. */
  checkDisk(): void {
    const { m, file } = this;
    const length = file.size;
    m.fsync(file);
    m.fsync(file);
    const cached = m.pread(file, 0, length);
    m.run(m.kernel.exit(m.process));
    m.run(m.kernel.exit(this.other));
    m.run(m.kernel.reclaim.shrink(Infinity));
    expect(file.mapping.pages.size).toBe(0);
    expect(Buffer.compare(Buffer.from(m.pread(file, 0, length)), Buffer.from(cached))).toBe(0);
    m.simulation.runUntilIdle();
    checkInvariants(m.kernel, [m.mm, this.other.mm]);
  }
}

function* draining(ns: number): Task {
  yield ns;
}

function* guarded(task: Task<unknown>): Task {
  // A signal or an errno is as good an end as any: others unmap and truncate.
  try {
    yield* task;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'Errno') throw error;
  }
}

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);

describe.each(['ext4', 'btrfs'] as const)('whatever the order in which tasks run, on %s', (fileSystem) => {
  it('stores of two processes, read faults and fsyncs leave everything in its place', () => {
    for (const seed of SEEDS) {
      const chaos = new Chaos(seed, fileSystem);
      const { m, file, other } = chaos;
      for (const name of ['app 1', 'app 2'])
        chaos.task(name, 20, (random) => m.storing(random.below(PAGES), random.below(256)));
      chaos.task('other', 20, (random) => m.storing(4 + random.below(8), random.below(256), other));
      chaos.task('reader', 20, (random) => m.loading(random.below(PAGES)));
      chaos.task('private', 10, (random) => m.storing(100 + random.below(PAGES), 1));
      for (const name of ['fsync 1', 'fsync 2']) chaos.task(name, 6, () => m.kernel.fsync(file));
      chaos.finish();
      chaos.checkDisk();
    }
  });

  it('so do munmap, mmap and MADV_DONTNEED among them', () => {
    for (const seed of SEEDS) {
      const chaos = new Chaos(seed, fileSystem);
      const { m, file } = chaos;
      chaos.task('app', 25, (random) => m.storing(random.below(PAGES), random.below(256)));
      chaos.task('anon', 15, (random) => m.storing(200 + random.below(8), 1));
      chaos.task('munmap', 6, (random) =>
        m.kernel.munmap(m.process, address(random.below(PAGES)), random.between(1, 4) * PAGE_SIZE),
      );
      chaos.task('mmap', 6, (random) => {
        const page = random.below(PAGES);
        return m.kernel.mmap(m.process, {
          address: address(page),
          length: random.between(1, 4) * PAGE_SIZE,
          prot: 'rw',
          share: random.chance(0.7) ? 'shared' : 'private',
          file: { inode: file, offset: page * PAGE_SIZE },
        });
      });
      chaos.task('madvise', 8, (random) =>
        guarded(m.kernel.madviseDontneed(m.process, address(100 * random.below(3) + random.below(8)), 4 * PAGE_SIZE)),
      );
      chaos.task('fsync', 8, () => m.kernel.fsync(file));
      chaos.finish();
      chaos.checkDisk();
    }
  });

  it('so do ftruncate, write(2) and read(2)', () => {
    for (const seed of SEEDS) {
      const chaos = new Chaos(seed, fileSystem);
      const { m, file } = chaos;
      chaos.task('app', 25, (random) => m.storing(random.below(PAGES), random.below(256)));
      chaos.task('private', 10, (random) => m.storing(100 + random.below(PAGES), 1));
      chaos.task('ftruncate', 8, (random) => m.kernel.ftruncate(file, random.below(PAGES * PAGE_SIZE)));
      for (const name of ['pwrite 1', 'pwrite 2']) {
        chaos.task(name, 8, (random) =>
          m.kernel.pwrite(file, random.below(PAGES * PAGE_SIZE), 5000, new Uint8Array(5000).fill(random.below(256))),
        );
      }
      chaos.task('pread', 15, (random) => m.kernel.pread(file, random.below(PAGES * PAGE_SIZE), new Uint8Array(6000)));
      chaos.task('fsync', 8, () => m.kernel.fsync(file));
      chaos.finish();
      chaos.checkDisk();
    }
  });

  it('so do reclaim, allocations that need it, and pins', () => {
    for (const seed of SEEDS) {
      const chaos = new Chaos(seed, fileSystem, 48 * PAGE_SIZE);
      const { m, file } = chaos;
      chaos.task('app', 20, (random) => guarded(m.storing(random.below(PAGES), random.below(256))));
      chaos.task('anon', 8, (random) => guarded(m.storing(200 + random.below(8), 1)));
      chaos.task('reader', 20, (random) => guarded(m.loading(100 + random.below(PAGES))));
      chaos.task('kswapd', 10, (random) => m.kernel.reclaim.shrink(random.between(1, 8)));
      chaos.task('direct I/O', 6, (random) =>
        guarded(
          (function* (): Task {
            const at = address(100 * random.below(3) + random.below(6));
            const frames = yield* pinUserPages(m.mm, at, 2 * PAGE_SIZE, { write: true, longterm: false });
            yield random.between(0, 20_000);
            yield* unpinUserPagesDirtyLock(m.kernel.mm, frames);
          })(),
        ),
      );
      chaos.task('ftruncate', 3, (random) => guarded(m.kernel.ftruncate(file, random.below(PAGES * PAGE_SIZE))));
      chaos.task('fsync', 8, () => m.kernel.fsync(file));
      chaos.finish();
      expect(m.kernel.mm.pins.pinned).toBe(0);
    }
  });

  it('so does the exit of a process in the middle of it', () => {
    for (const seed of SEEDS) {
      const chaos = new Chaos(seed, fileSystem);
      const { m, file, other } = chaos;
      chaos.task('app', 20, (random) => m.storing(random.below(PAGES), random.below(256)));
      chaos.task('other', 12, (random) => m.storing(4 + random.below(8), random.below(256), other));
      chaos.task('fsync', 8, () => m.kernel.fsync(file));
      chaos.task('exit', 1, () => m.kernel.exit(other));
      chaos.task('kswapd', 6, () => m.kernel.reclaim.shrink(4));
      chaos.finish();
      expect([other.mm.vmas.size, other.mm.pageTable.leafCount]).toEqual([0, 0]);
    }
  });
});
