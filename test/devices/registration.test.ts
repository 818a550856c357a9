import { isErrno, type ErrnoCode } from '../../src/base/index.js';
import { US, type Task } from '../../src/engine/index.js';
import type { RegMrRequest } from '../../devices/contract/index.js';
import { CONNECTX } from '../../devices/nic/index.js';
import { BASE, RdmaPair, pattern } from '../support/rdma-pair.js';

/** The errno of a registration, null if it succeeds. */
function* errnoOf(pair: RdmaPair, request: Partial<RegMrRequest>): Task<ErrnoCode | null> {
  try {
    yield* pair.register(request);
    return null;
  } catch (error) {
    if (isErrno(error)) return error.code;
    throw error;
  }
}

describe.each(['pinned', 'odp'] as const)('reg_mr of the driver "%s"', (driver) => {
  it('refuses an iova that lies in its page otherwise than start does', () => {
    const pair = new RdmaPair({ driver });
    const { kernel } = pair.world;
    const start = BASE + 100;
    expect(pair.run(errnoOf(pair, { start, length: 5000, iova: 0x7000_0000 }))).toBe('EINVAL');
    expect(kernel.mm.pins.pinned).toBe(0);
    const region = pair.run(pair.register({ start, length: 5000, iova: 0x7000_0064 }));
    expect(pair.run(pair.write(region, 0, pattern(5000))).status).toBe('IBV_WC_SUCCESS');
    expect(pair.peek(100, 5000)).toEqual(pattern(5000));
  });

  it('that fails holds nothing: no pin, no key, no subscription', () => {
    const pair = new RdmaPair({ driver });
    const { kernel } = pair.world;
    const region = pair.run(pair.register({ rkey: 0x100, length: 4096 }));
    const before = { pinned: kernel.mm.pins.pinned, pinnedVm: pair.process.mm.pinnedVm };
    expect(pair.run(errnoOf(pair, { rkey: 0x100 }))).toBe('EBUSY');
    expect({ pinned: kernel.mm.pins.pinned, pinnedVm: pair.process.mm.pinnedVm }).toEqual(before);
    pair.run(pair.driver.deregMr(region));
    expect(kernel.mm.pins.pinned).toBe(0);
    expect(pair.process.mm.pinnedVm).toBe(0);
  });
});

it('a registration on demand gives its key back if its process is gone', () => {
  const pair = new RdmaPair();
  pair.run(pair.world.kernel.exit(pair.process));
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(pair.run(errnoOf(pair, { rkey: 0x100 }))).not.toBe('EBUSY');
    expect(pair.server.mkeys.lookup(0x100)).toBeNull();
  }
});

describe('a registration takes time:', () => {
  function cost(driver: 'pinned' | 'odp', pages: number): { register: number; deregister: number } {
    const pair = new RdmaPair({ driver, pages: 64 });
    const { simulation } = pair.world;
    return pair.run(
      (function* (): Task<{ register: number; deregister: number }> {
        // Pages that are in memory already: what is left is the registration itself.
        if (driver === 'pinned') yield* pair.world.kernel.store(pair.process, BASE, 64 * 4096);
        const start = simulation.now;
        const region = yield* pair.register({ length: pages * 4096 });
        const registered = simulation.now;
        yield* pair.driver.deregMr(region);
        return { register: registered - start, deregister: simulation.now - registered };
      })(),
    );
  }

  it('with pins it grows with the pages, on demand it does not', () => {
    const { register, deregister } = CONNECTX.registration;
    expect(cost('odp', 1)).toEqual({ register: 16 * US, deregister: 17 * US });
    expect(cost('odp', 64)).toEqual(cost('odp', 1));
    expect(cost('pinned', 64).register - cost('pinned', 1).register).toBeGreaterThanOrEqual(63 * register.perPage);
    expect(cost('pinned', 64).deregister - cost('pinned', 1).deregister).toBe(63 * deregister.perPage);
  });
});
