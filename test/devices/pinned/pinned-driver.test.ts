import { isErrno } from '../../../src/base/index.js';
import type { Task } from '../../../src/engine/index.js';
import { P1 } from '../../../src/kernel/index.js';
import { GUP_PIN_COUNTING_BIAS, PG_DIRTY } from '../../../src/mm/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

describe('a pinned region', () => {
  it('brings every page in at registration, dirty, and pins it', () => {
    const pair = new RdmaPair({ driver: 'pinned' });
    const { mm } = pair.world.kernel;
    pair.run(pair.register());
    expect(mm.pins.pinned).toBe(16);
    expect(pair.process.mm.pinnedVm).toBe(16);
    for (let page = 0; page < 16; page++) {
      const frame = pair.inode.mapping.pages.get(page);
      expect(mm.memory.frames.refcount[frame]).toBeGreaterThan(GUP_PIN_COUNTING_BIAS);
      expect(mm.memory.frames.has(frame, PG_DIRTY)).toBe(true);
    }
  });

  it('never faults and never hears of an invalidation', () => {
    const pair = new RdmaPair({ driver: 'pinned' });
    pair.run(
      (function* (): Task {
        const region = yield* pair.register();
        yield* pair.write(region, 0, pattern(4096));
        yield* pair.world.kernel.fsync(pair.inode);
        yield* pair.write(region, 0, pattern(4096));
      })(),
    );
    expect(pair.server.stats.pageFaults).toBe(0);
    expect(pair.driver.stats).toEqual({ faults: 0, invalidations: 0 });
  });

  it('tells the file system of its writes only when the pin ends', () => {
    const pair = new RdmaPair({ driver: 'pinned' });
    const { kernel } = pair.world;
    const folios = pair.run(
      (function* (): Task<number[]> {
        const region = yield* pair.register();
        const atRegistration = yield* kernel.fsync(pair.inode);
        yield* pair.write(region, 0, pattern(4096));
        const afterWrite = yield* kernel.fsync(pair.inode);
        yield* pair.driver.deregMr(region);
        const afterDereg = yield* kernel.fsync(pair.inode);
        return [atRegistration, afterWrite, afterDereg].map((cost) => cost.folios);
      })(),
    );
    expect(folios).toEqual([16, 0, 16]);
    expect(kernel.mm.pins).toMatchObject({ acquired: 16, released: 16, pinned: 0 });
  });

  it('that is read only pins without write access and dirties nothing', () => {
    const pair = new RdmaPair({ driver: 'pinned' });
    pair.run(
      (function* (): Task {
        const region = yield* pair.register({ access: 4 });
        expect([...(yield* pair.read(region, 0, 4))]).toEqual([0, 0, 0, 0]);
        yield* pair.driver.deregMr(region);
        expect((yield* pair.world.kernel.fsync(pair.inode)).folios).toBe(0);
      })(),
    );
  });

  it('of a shared file mapping is refused since Linux 6.5, unless it is read only; what was pinned is let go', () => {
    const pair = new RdmaPair({ driver: 'pinned', policy: P1 });
    let error: unknown;
    try {
      pair.run(pair.register());
    } catch (thrown) {
      error = (thrown as Error).cause;
    }
    expect(isErrno(error, 'EFAULT')).toBe(true);
    expect(pair.world.kernel.mm.pins.pinned).toBe(0);
    const reader = new RdmaPair({ driver: 'pinned', policy: P1 });
    reader.run(reader.register({ access: 4 }));
    expect(reader.world.kernel.mm.pins.pinned).toBe(16);
  });

  it('of a private mapping is not: the pin copies first', () => {
    const pair = new RdmaPair({ driver: 'pinned', policy: P1 });
    const { kernel } = pair.world;
    const address = BASE + 2 ** 30;
    const seen = pair.run(
      (function* (): Task<Uint8Array> {
        const file = { inode: pair.inode, offset: 0 };
        yield* kernel.mmap(pair.process, { address, length: 4096, prot: 'rw', share: 'private', file });
        const region = yield* pair.register({ start: address, length: 4096 });
        yield* pair.write(region, 0, pattern(16));
        const shared = new Uint8Array(16);
        yield* kernel.pread(pair.inode, 0, shared);
        return shared;
      })(),
    );
    expect([...seen]).toEqual(new Array(16).fill(0));
  });
});
