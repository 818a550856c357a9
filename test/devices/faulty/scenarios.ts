import { US, type Task } from '../../../src/engine/index.js';
import { ADVICES, madvise } from '../../../src/mm/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import { BASE, type RdmaPair, pattern } from '../../support/rdma-pair.js';

/** A story in which a mistake shows, at some delays of what races with it; a right driver passes it at all of them. */
export interface Scenario {
  /** Delays in us at which it is told. */
  readonly delays: readonly number[];
  /** Tells it. What a right driver must have achieved is looked at by the story itself. */
  story(pair: RdmaPair, delayNs: number): Task;
}

const AT_ONCE = [0];
/** Private memory of the server, beside its file. */
const ANON = BASE + 2 ** 30;

/** One story per faulty driver. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  /** The CPU has only read a page of the file: it is clean, and read-only until page_mkwrite. Then the device writes it. */
  F16: {
    delays: AT_ONCE,
    *story(pair) {
      const { kernel } = pair.world;
      yield* kernel.load(pair.process, BASE, new Uint8Array(1));
      const region = yield* pair.register();
      expect((yield* pair.write(region, 0, pattern(64))).status).toBe('IBV_WC_SUCCESS');
      expect((yield* kernel.fsync(pair.inode)).folios).toBe(1);
    },
  },

  /** The kernel unmaps a page while a message is on its way into it. */
  F17: {
    delays: AT_ONCE,
    *story(pair) {
      const region = yield* pair.register();
      yield* pair.write(region, 0, pattern(64));
      post(pair, region, 0);
      yield 1 * US;
      yield* pair.world.kernel.madviseDontneed(pair.process, BASE, 4096);
      yield* pair.completions.next();
    },
  },

  /**
   * Two queue pairs fault on two pages. While the first has the region's lock, the kernel unmaps the second's page: the
   * invalidation gets the lock next, the second fault after it, with what it read before.
   */
  F18: {
    delays: range(125, 145),
    *story(pair, delay) {
      const { kernel, simulation } = pair.world;
      const region = yield* pair.register();
      yield* kernel.store(pair.process, BASE, 8192);
      post(pair, region, 4096);
      pair.connect();
      yield 5 * US;
      post(pair, region, 0);
      const dontneed = dropAfter(pair, delay);
      const other = simulation.spawn('dontneed', dontneed);
      for (let i = 0; i < 2; i++) expect((yield* pair.completions.next()).status).toBe('IBV_WC_SUCCESS');
      yield other;
    },
  },

  /** The file system cleans a page that the device has written. */
  F19: {
    delays: AT_ONCE,
    *story(pair) {
      const region = yield* pair.register();
      yield* pair.write(region, 0, pattern(64));
      yield* pair.world.kernel.fsync(pair.inode);
      expect((yield* pair.world.kernel.fsync(pair.inode)).folios).toBe(0);
    },
  },

  /** The OOM reaper comes by. */
  F20: {
    delays: AT_ONCE,
    *story(pair) {
      const region = yield* pair.register();
      yield* pair.write(region, 0, pattern(64));
      const { notifiers } = pair.process.mm;
      const reaped = notifiers.invalidateRangeStartNonblock('UNMAP', BASE, BASE + 4096);
      if (reaped !== null) notifiers.invalidateRangeEnd(reaped);
    },
  },

  /** MADV_FREE leaves a page writable and clean; the device writes to it, so it is wanted again; reclaim comes by. */
  F23: {
    delays: AT_ONCE,
    *story(pair) {
      const { kernel } = pair.world;
      const { mm } = pair.process;
      yield* kernel.mmap(pair.process, { address: ANON, length: 4096, prot: 'rw', share: 'private' });
      yield* kernel.store(pair.process, ANON, 1);
      const region = yield* pair.register({ start: ANON, length: 4096 });
      yield* madvise(mm, ANON, 4096, ADVICES.free);
      yield* pair.write(region, 0, Uint8Array.of(0x55));
      yield* madvise(mm, ANON, 4096, ADVICES.pageout);
      const byte = new Uint8Array(1);
      yield* kernel.load(pair.process, ANON, byte);
      expect(byte[0]).toBe(0x55);
    },
  },

  /** A region begins in the middle of a page, and somebody writes to its first bytes. */
  F24: {
    delays: AT_ONCE,
    *story(pair) {
      const region = yield* pair.register({ start: BASE + 100, length: 4096 });
      yield* pair.write(region, 0, pattern(64));
      expect([...(yield* pair.load(100, 64))]).toEqual([...pattern(64)]);
    },
  },

  'double-release': { delays: AT_ONCE, story: dropMapped },

  /** The kernel unmaps what the device has never used. */
  'leaked-hold': {
    delays: AT_ONCE,
    *story(pair) {
      yield* pair.register();
      yield* pair.world.kernel.madviseDontneed(pair.process, BASE, 4096);
    },
  },

  /** The kernel unmaps a page of a region that is being deregistered. */
  'unregister-race': {
    delays: range(0, 60),
    *story(pair, delay) {
      const region = yield* pair.register();
      yield* pair.write(region, 0, pattern(64));
      const other = pair.world.simulation.spawn('dontneed', dropAfter(pair, delay));
      yield* pair.driver.deregMr(region);
      yield other;
    },
  },

  /** A region is deregistered while the device waits for a page of it. */
  'stale-child': {
    delays: range(125, 145),
    *story(pair, delay) {
      const region = yield* pair.register();
      post(pair, region, 0);
      yield delay;
      yield* pair.driver.deregMr(region);
      yield* pair.completions.next();
    },
  },
};

function* dropMapped(pair: RdmaPair): Task {
  const region = yield* pair.register();
  yield* pair.write(region, 0, pattern(64));
  yield* pair.world.kernel.madviseDontneed(pair.process, BASE, 4096);
}

function* dropAfter(pair: RdmaPair, delay: number): Task {
  yield delay;
  yield* pair.world.kernel.madviseDontneed(pair.process, BASE, 4096);
}

/** Posts a WRITE of a page on the latest connection. */
function post(pair: RdmaPair, { mkey }: MemoryRegion, offset: number): void {
  const local = pattern(4096);
  const remoteAddress = mkey.iova + offset;
  pair.requester.postSend({
    wrId: offset,
    opcode: 'RDMA_WRITE',
    length: 4096,
    local,
    remoteAddress,
    rkey: mkey.rkey,
  });
}

/** Every microsecond of [from, to). */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
