import { isErrno } from '../../../src/base/index.js';
import { MS, RandomPolicy, RandomStream, US, type Task } from '../../../src/engine/index.js';
import { PG_DIRTY } from '../../../src/mm/index.js';
import { CONNECTX, RXE } from '../../../devices/nic/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

describe('an ODP region', () => {
  it('holds no page: registering touches none and pins none', () => {
    const pair = new RdmaPair();
    pair.run(pair.register());
    expect(pair.world.kernel.mm.pins.acquired).toBe(0);
    expect(pair.inode.mapping.pages.size).toBe(0);
  });

  it('may lie where nothing is mapped yet: errors come at access', () => {
    const pair = new RdmaPair();
    const nowhere = 0x50_0000_0000;
    const region = pair.run(pair.register({ start: nowhere, length: 4096 }));
    expect(pair.run(pair.write(region, 0, pattern(4))).status).toBe('IBV_WC_REM_ACCESS_ERR');
  });

  it('takes over what the CPU has mapped: such pages need no fault', () => {
    const pair = new RdmaPair();
    const faults = pair.run(
      (function* (): Task<number> {
        yield* pair.world.kernel.store(pair.process, BASE, 4096);
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(100));
        return pair.driver.stats.faults;
      })(),
    );
    expect(faults).toBe(0);
  });

  it('faults once for the pages of a message, and not again', () => {
    const pair = new RdmaPair();
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* pair.write(region, 100, pattern(3 * 4096));
        yield* pair.write(region, 100, pattern(3 * 4096));
      })(),
    );
    expect(pair.driver.stats.faults).toBe(1);
    expect(pair.server.stats.rnrNaksSent).toBe(1);
  });

  it('is refused without local write if it wants remote write', () => {
    const pair = new RdmaPair();
    let error: unknown;
    try {
      pair.run(pair.register({ access: 2 }));
    } catch (thrown) {
      error = (thrown as Error).cause;
    }
    expect(isErrno(error, 'EINVAL')).toBe(true);
  });

  it('works on new memory at the same address without being registered again', () => {
    const pair = new RdmaPair();
    const { kernel } = pair.world;
    const back = pair.run(
      (function* (): Task<Uint8Array> {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(4096, 1));
        yield* kernel.munmap(pair.process, BASE, 4096);
        yield* kernel.mmap(pair.process, { address: BASE, length: 4096, prot: 'rw', share: 'private' });
        yield* pair.write(region, 0, pattern(4096, 2));
        return yield* pair.load(0, 4096);
      })(),
    );
    expect(Buffer.compare(back, pattern(4096, 2))).toBe(0);
  });

  it('fails an access to what was unmapped, and to what lies behind the end of the file', () => {
    const statuses = ['munmap', 'truncate'].map((how) => {
      const pair = new RdmaPair();
      const { kernel } = pair.world;
      return pair.run(
        (function* (): Task<string> {
          const region = yield* pair.register();
          yield* pair.write(region, 4096, pattern(8));
          if (how === 'munmap') yield* kernel.munmap(pair.process, BASE, 16 * 4096);
          else yield* kernel.ftruncate(pair.inode, 4096);
          return (yield* pair.write(region, 4096, pattern(8))).status;
        })(),
      );
    });
    expect(statuses).toEqual(['IBV_WC_REM_ACCESS_ERR', 'IBV_WC_REM_ACCESS_ERR']);
  });

  it('lets go when it is deregistered: no callback afterwards, and its key is unknown', () => {
    const pair = new RdmaPair();
    const { kernel } = pair.world;
    const status = pair.run(
      (function* (): Task<string> {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(8));
        yield* pair.driver.deregMr(region);
        const before = pair.driver.stats.invalidations;
        yield* kernel.munmap(pair.process, BASE, 16 * 4096);
        expect(pair.driver.stats.invalidations).toBe(before);
        return (yield* pair.write(region, 0, pattern(8))).status;
      })(),
    );
    expect(status).toBe('IBV_WC_REM_ACCESS_ERR');
  });
});

describe('an invalidation', () => {
  it('makes the kernel wait until DMA in flight has landed', () => {
    const pair = new RdmaPair({ pages: 64 });
    const { kernel, simulation } = pair.world;
    const landed: number[] = [];
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* pair.write(region, 0, new Uint8Array(32 * 4096));
        pair.server.dma.landed$.subscribe(() => landed.push(simulation.now));
        const { rkey, iova: remoteAddress } = region.mkey;
        const local = new Uint8Array(32 * 4096);
        pair.requester.postSend({ wrId: 99, opcode: 'RDMA_WRITE', length: local.length, local, remoteAddress, rkey });
        // In the middle of the message.
        yield 6 * US;
        const range = pair.process.mm.notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 64 * 4096);
        if (range.holds > 0) yield range;
        const quiesced = simulation.now;
        yield 2 * US;
        expect(landed.length).toBeGreaterThan(0);
        expect(landed.every((time) => time <= quiesced)).toBe(true);
        pair.process.mm.notifiers.invalidateRangeEnd(range);
        expect((yield* pair.completions.next()).status).toBe('IBV_WC_SUCCESS');
      })(),
    );
    expect(kernel.mm.pins.acquired).toBe(0);
  });

  it('hands the dirty bits over before the kernel goes on', () => {
    const pair = new RdmaPair();
    const { kernel } = pair.world;
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(8));
        yield* kernel.fsync(pair.inode);
        yield* pair.write(region, 0, pattern(8));
        const frame = pair.inode.mapping.pages.get(0);
        kernel.mm.memory.frames.clear(frame, PG_DIRTY);
        const range = pair.process.mm.notifiers.invalidateRangeStart('PROTECTION_PAGE', BASE, BASE + 4096);
        if (range.holds > 0) yield range;
        expect(kernel.mm.memory.frames.has(frame, PG_DIRTY)).toBe(true);
        pair.process.mm.notifiers.invalidateRangeEnd(range);
      })(),
    );
  });

  it('that may not block is refused', () => {
    const pair = new RdmaPair();
    pair.run(pair.register());
    expect(pair.process.mm.notifiers.invalidateRangeStartNonblock('UNMAP', BASE, BASE + 4096)).toBeNull();
  });

  it('costs what NPF measured: 16.8 us for one page', () => {
    const pair = new RdmaPair();
    const waited = pair.run(
      (function* (): Task<number> {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(8));
        return (yield* pair.world.kernel.fsync(pair.inode)).deviceWaitNs;
      })(),
    );
    const { check, update, bookkeeping } = CONNECTX.odp.invalidate;
    expect(waited).toBe(check.base + update.base + bookkeeping.base);
    expect(waited).toBe(16_800);
  });

  it('elsewhere in the process does not disturb a region', () => {
    const pair = new RdmaPair();
    const { kernel } = pair.world;
    pair.run(
      (function* (): Task {
        const region = yield* pair.register({ length: 4096 });
        yield* pair.write(region, 0, pattern(8));
        yield* kernel.munmap(pair.process, BASE + 4096, 4096);
        yield* pair.write(region, 0, pattern(8));
      })(),
    );
    expect(pair.driver.stats).toEqual({ faults: 1, invalidations: 0 });
  });
});

describe('after an fsync', () => {
  it('the next WRITE faults, calls page_mkwrite and dirties the page again', () => {
    const pair = new RdmaPair();
    const { kernel } = pair.world;
    const mkwrites: number[] = [];
    kernel.mkwrites$.subscribe(({ address }) => mkwrites.push(address));
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        for (let round = 0; round < 3; round++) {
          yield* pair.write(region, 0, pattern(8, round));
          expect((yield* kernel.fsync(pair.inode)).folios).toBe(1);
        }
      })(),
    );
    expect(mkwrites).toEqual([BASE, BASE, BASE]);
    expect(pair.driver.stats.faults).toBe(3);
  });

  it('a device that faults for what it needs (rxe) reads without dirtying; mlx5 asks for write access anyway', () => {
    const dirtied = [RXE, CONNECTX].map((profile) => {
      const pair = new RdmaPair({ profile });
      return pair.run(
        (function* (): Task<number> {
          const region = yield* pair.register();
          yield* pair.read(region, 0, 100);
          return (yield* pair.world.kernel.fsync(pair.inode)).folios;
        })(),
      );
    });
    expect(dirtied).toEqual([0, 1]);
  });
});

describe('a page fault of the device', () => {
  it('costs a requester the RNR timer, and shows as an RNR NAK', () => {
    const pair = new RdmaPair();
    const start = pair.world.simulation.now;
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(8));
      })(),
    );
    expect(pair.server.stats.rnrNaksSent).toBe(1);
    expect(pair.world.simulation.now - start).toBeGreaterThan(0.64 * MS);
  });

  it('of rxe shows as latency only', () => {
    const pair = new RdmaPair({ profile: RXE });
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* pair.write(region, 4000, pattern(8000));
      })(),
    );
    expect(pair.server.stats).toMatchObject({ rnrNaksSent: 0, sequenceNaks: 0, droppedForFault: 0 });
    expect(pair.client.stats).toMatchObject({ retransmits: 0, timeouts: 0 });
    expect(pair.driver.stats.faults).toBeGreaterThan(1);
  });

  it('starts over when an invalidation comes in between, and ends', () => {
    const pair = new RdmaPair();
    const { kernel, simulation } = pair.world;
    const { notifiers } = pair.process.mm;
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        // One invalidation after the other for as long as the fault takes, and longer.
        simulation.spawn(
          'storm',
          (function* (): Task {
            for (let i = 0; i < 30; i++) {
              const range = notifiers.invalidateRangeStart('CLEAR', BASE, BASE + 4096);
              if (range.holds > 0) yield range;
              yield 5 * US;
              notifiers.invalidateRangeEnd(range);
              yield 20 * US;
            }
          })(),
        );
        expect((yield* pair.write(region, 0, pattern(64))).status).toBe('IBV_WC_SUCCESS');
        expect([...(yield* pair.load(0, 64))]).toEqual([...pattern(64)]);
      })(),
    );
    expect(kernel.mm.pins.acquired).toBe(0);
  });
});

it('writes, fsyncs, unmappings and truncations in any order neither lose data nor block each other', () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = new RandomStream(seed);
    const pair = new RdmaPair({ seed, schedule: new RandomPolicy(random.split('schedule')), profile: RXE });
    const { kernel } = pair.world;
    const region = pair.run(pair.register());
    let written = 0;
    pair.completions.completions$.subscribe(({ status }) => {
      expect(status).toBe('IBV_WC_SUCCESS');
      written++;
    });
    function* writer(): Task {
      for (let i = 0; i < 20; i++) {
        const { rkey, iova } = region.mkey;
        const remoteAddress = iova + random.below(8) * 4096;
        pair.requester.postSend({
          wrId: i,
          opcode: 'RDMA_WRITE',
          length: 4096,
          local: pattern(4096, i),
          remoteAddress,
          rkey,
        });
        yield random.between(0, 30) * US;
      }
      while (written < 20) yield 10 * US;
    }
    function* repeat(times: number, action: () => Task<unknown>): Task {
      for (let i = 0; i < times; i++) {
        yield random.between(0, 100) * US;
        yield* action();
      }
    }
    const { simulation } = pair.world;
    simulation.spawn('writer', writer());
    simulation.spawn(
      'fsync',
      repeat(6, () => kernel.fsync(pair.inode)),
    );
    simulation.spawn(
      'dontneed',
      repeat(6, () => kernel.madviseDontneed(pair.process, BASE, 8 * 4096)),
    );
    simulation.spawn(
      'truncate',
      repeat(2, () => kernel.ftruncate(pair.inode, 10 * 4096)),
    );
    simulation.spawn(
      'reclaim',
      repeat(4, () => kernel.reclaim.shrink(4)),
    );
    simulation.run();
    expect(written).toBe(20);
  }
});

it('deregistration lets go of the pages while invalidations still reach it: none of them is somebody else’s by then', () => {
  const pair = new RdmaPair();
  const { kernel, simulation } = pair.world;
  const victim = kernel.fs.createFile('victim', pair.pages * 4096, 'hole');
  let held = false;
  kernel.invalidations$.subscribe((range) => {
    if (held) return;
    held = true;
    range.hold('slow', wait(100 * US));
  });
  function* wait(ns: number): Task {
    yield ns;
  }
  pair.run(
    (function* (): Task {
      yield* kernel.store(pair.process, BASE, pair.pages * 4096);
      const region = yield* pair.register();
      const other = simulation.spawn(
        'unmap, free and read',
        (function* (): Task {
          // Another driver takes its time: the removal of the notifier is put off to the end of this.
          yield* kernel.madviseDontneed(pair.process, BASE, 4096);
          yield* kernel.munmap(pair.process, BASE, pair.pages * 4096);
          yield* kernel.ftruncate(pair.inode, 0);
          for (let page = 0; page < pair.pages; page++) yield* kernel.pread(victim, page * 4096, new Uint8Array(4096));
        })(),
      );
      yield 20 * US;
      yield* pair.driver.deregMr(region);
      yield other;
    })(),
  );
  const dirty = Array.from({ length: pair.pages }, (_, page) => victim.mapping.pages.hasMark(page, 'dirty'));
  expect(dirty).not.toContain(true);
});
