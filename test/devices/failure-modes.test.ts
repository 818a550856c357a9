import { PAGE_SIZE } from '../../src/base/index.js';
import { US, type Task } from '../../src/engine/index.js';
import { P0 } from '../../src/kernel/index.js';
import type { MemoryRegion } from '../../devices/contract/index.js';
import { AcknowledgedData, judge, type Verdict } from '../../src/lab/index.js';
import { BASE, RdmaPair, pattern, type PairOptions } from '../support/rdma-pair.js';

/**
 * The failure modes of devices that write into file pages, side by side: with a pin, and with on-demand paging. The
 * numbers are those of the literature (F0 to F24). What the disk has is read back after a power loss.
 */
class Experiment {
  readonly pair: RdmaPair;
  readonly data = new AcknowledgedData();
  private mark = 0;

  constructor(options: PairOptions) {
    this.pair = new RdmaPair({ policy: P0, ...options });
    this.pair.server.dma.issued$.subscribe((op) => {
      if (op.kind !== 'write') return;
      const page = Math.floor((op.address - BASE) / PAGE_SIZE);
      this.data.written(op.mark, page, op.offset, op.length, op.stamp);
    });
  }

  /** A WRITE that is acknowledged. */
  *write(region: MemoryRegion, offset: number, bytes: Uint8Array): Task {
    const mark = ++this.mark;
    const { rkey, iova } = region.mkey;
    const request = {
      opcode: 'RDMA_WRITE',
      length: bytes.length,
      local: bytes,
      remoteAddress: iova + offset,
      rkey,
    } as const;
    const { status } = yield* this.pair.perform({ ...request, mark });
    this.data.completed(mark, status === 'IBV_WC_SUCCESS');
  }

  *fsync(): Task {
    const returned = this.data.fsyncBegins();
    yield* this.pair.world.kernel.fsync(this.pair.inode);
    returned();
  }

  /** Power loss, recovery, verdict. */
  crash(): Verdict {
    const { fs } = this.pair.world.kernel;
    fs.device.powerLoss();
    fs.recover();
    return judge(this.pair.inode, this.data);
  }
}

const NOTHING_LOST: Verdict = { lostBytes: 0, tornBlocks: 0, badChecksums: 0 };

/** Runs the same story with both drivers. */
function both(
  options: PairOptions,
  story: (experiment: Experiment) => Task,
): { readonly pinned: Verdict; readonly odp: Verdict } {
  const run = (driver: 'pinned' | 'odp'): Verdict => {
    const experiment = new Experiment({ ...options, driver });
    experiment.pair.run(story(experiment));
    return experiment.crash();
  };
  return { pinned: run('pinned'), odp: run('odp') };
}

describe.each(['ext4', 'btrfs'] as const)('on %s', (fileSystem) => {
  it('F0: a write before the page is cleaned is written with it', () => {
    const verdict = both({ fileSystem }, function* (experiment) {
      const region = yield* experiment.pair.register();
      yield* experiment.write(region, 0, pattern(4096));
      yield* experiment.fsync();
    });
    expect(verdict).toEqual({ pinned: NOTHING_LOST, odp: NOTHING_LOST });
  });

  it('F5, F6: a write into a page that counts as clean is not written by fsync, and lost', () => {
    const verdict = both({ fileSystem }, function* (experiment) {
      const region = yield* experiment.pair.register();
      yield* experiment.fsync();
      yield* experiment.write(region, 4096 + 100, pattern(1000));
      yield* experiment.fsync();
    });
    expect(verdict.pinned).toEqual({ ...NOTHING_LOST, lostBytes: 1000 });
    expect(verdict.odp).toEqual(NOTHING_LOST);
  });

  it('F5 mended by the end of the pin: deregistration dirties the pages, which are written as the file system takes that', () => {
    const verdict = both({ fileSystem }, function* (experiment) {
      const region = yield* experiment.pair.register();
      yield* experiment.fsync();
      yield* experiment.write(region, 0, pattern(4096));
      yield* experiment.pair.driver.deregMr(region);
      yield* experiment.fsync();
    });
    // btrfs_writepage_cow_fixup: what nobody reserved space for is put off, and this fsync does not wait for it.
    const putOff = fileSystem === 'btrfs' ? 4096 : 0;
    expect(verdict).toEqual({ pinned: { ...NOTHING_LOST, lostBytes: putOff }, odp: NOTHING_LOST });
  });

  it('F9: after a truncation the pin writes into pages that are no longer the file', () => {
    const seen = (['pinned', 'odp'] as const).map((driver) => {
      const { pair } = new Experiment({ fileSystem, driver });
      return pair.run(
        (function* (): Task<number> {
          const region = yield* pair.register();
          yield* pair.world.kernel.ftruncate(pair.inode, 0);
          yield* pair.world.kernel.ftruncate(pair.inode, 16 * 4096);
          const { status } = yield* pair.write(region, 0, new Uint8Array([0xaa]));
          expect(status).toBe('IBV_WC_SUCCESS');
          return (yield* pair.load(0, 1))[0];
        })(),
      );
    });
    expect(seen).toEqual([0, 0xaa]);
  });

  it('F12: after MADV_DONTNEED of private memory the pin and the process see different pages', () => {
    const seen = (['pinned', 'odp'] as const).map((driver) => {
      const { pair } = new Experiment({ fileSystem, driver });
      const { kernel } = pair.world;
      const address = BASE + 2 ** 30;
      return pair.run(
        (function* (): Task<number> {
          yield* kernel.mmap(pair.process, { address, length: 4096, prot: 'rw', share: 'private' });
          const region = yield* pair.register({ start: address, length: 4096 });
          yield* kernel.madviseDontneed(pair.process, address, 4096);
          yield* pair.write(region, 0, new Uint8Array([0xbb]));
          const byte = new Uint8Array(1);
          yield* kernel.load(pair.process, address, byte);
          return byte[0];
        })(),
      );
    });
    expect(seen).toEqual([0, 0xbb]);
  });
});

describe('during writeback', () => {
  /** Writes into a page all through an fsync of it, a few microseconds apart. */
  function* hammer(experiment: Experiment, bytes: number): Task {
    const { pair } = experiment;
    const region = yield* pair.register();
    yield* experiment.write(region, 0, pattern(bytes));
    const fsync = pair.world.simulation.spawn('fsync', experiment.fsync());
    while (!fsync.done) {
      yield* experiment.write(region, 0, pattern(bytes, 2));
      yield 1 * US;
    }
    // A second fsync finds whatever is dirty.
    yield* experiment.fsync();
  }

  it('F2: with a pin, btrfs writes data that does not match its checksum; a stable page keeps ODP out', () => {
    const verdict = both({ fileSystem: 'btrfs', pages: 1 }, (experiment) => hammer(experiment, 4096));
    expect(verdict.pinned.badChecksums).toBe(1);
    expect(verdict.pinned.lostBytes).toBe(4096);
    expect(verdict.odp).toEqual(NOTHING_LOST);
  });

  it('F3: with a pin, ext4 may keep a block of two halves; with ODP the page is dirty again and written again', () => {
    const verdict = both({ fileSystem: 'ext4', pages: 1 }, (experiment) => hammer(experiment, 4096));
    expect(verdict.pinned.lostBytes).toBeGreaterThan(0);
    expect(verdict.odp).toEqual(NOTHING_LOST);
  });
});

it('F8: reclaim takes the buffers of a pinned page; when the pin ends it is dirty without them, and ext4 drops it', () => {
  const experiment = new Experiment({ fileSystem: 'ext4', driver: 'pinned', pages: 4 });
  const { pair } = experiment;
  const { kernel } = pair.world;
  pair.run(
    (function* (): Task {
      const region = yield* pair.register();
      yield* experiment.fsync();
      yield* experiment.write(region, 0, pattern(4096));
      // The first pass takes the second chance away, the second the mappings and the buffers.
      for (let pass = 0; pass < 3; pass++) yield* kernel.reclaim.shrink(4);
      yield* pair.driver.deregMr(region);
      yield* experiment.fsync();
    })(),
  );
  expect(kernel.fs.complaints).toBe(4);
  expect(experiment.crash().lostBytes).toBe(4096);
});
