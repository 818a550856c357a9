import { RandomPolicy, RandomStream, type Task } from '../../../src/engine/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import { CONNECTX, RXE, type DeviceProfile } from '../../../devices/nic/index.js';
import { RdmaPair, pattern } from '../../support/rdma-pair.js';

/** An invalidation that costs the driver nothing besides what the device takes: nothing hides what comes late. */
const invalidate = { ...CONNECTX.odp.invalidate, bookkeeping: { base: 0, perPage: 0 } };
const BARE = { ...CONNECTX, odp: { ...CONNECTX.odp, invalidate } };

function writeStream(pair: RdmaPair, region: MemoryRegion, count: number): void {
  for (let i = 0; i < count; i++) {
    pair.requester.postSend({
      wrId: i,
      opcode: 'RDMA_WRITE',
      length: 64,
      local: pattern(64),
      remoteAddress: region.mkey.iova + 64 * (i % 60),
      rkey: region.mkey.rkey,
    });
  }
}

describe('when unmap or destroyMkey has returned, nothing that went through the translations is in flight:', () => {
  it.each([
    ['connectx', 'unmap', CONNECTX],
    ['rxe', 'unmap', RXE],
    ['connectx', 'destroyMkey', CONNECTX],
  ] as const)('%s, %s, at any moment of a stream of WRITEs', (_name, how, profile: DeviceProfile) => {
    for (let k = 0; k < 25; k++) {
      const pair = new RdmaPair({ profile });
      const region = pair.run(pair.register());
      pair.run(pair.write(region, 0, pattern(64)));
      pair.run(
        (function* (): Task {
          writeStream(pair, region, 1500);
          yield 1000 + k * 119;
          if (how === 'unmap') yield* pair.server.unmap(region.mkey, 0, 1);
          else yield* pair.server.destroyMkey(region.mkey);
          expect([...pair.server.dma.inFlight()].filter(({ mkey }) => mkey === region.mkey)).toEqual([]);
        })(),
      );
    }
  });

  it.each(['fifo', 'random'])('so that a correct driver is not accused under any schedule (%s)', (schedule) => {
    for (let seed = 1; seed <= 25; seed++) {
      const policy = schedule === 'random' ? { schedule: new RandomPolicy(new RandomStream(seed)) } : {};
      const pair = new RdmaPair({ profile: BARE, seed, ...policy });
      const { kernel } = pair.world;
      const region = pair.run(pair.register());
      pair.run(pair.write(region, 0, pattern(64)));
      pair.run(
        (function* (): Task {
          writeStream(pair, region, 1500);
          yield 1000 + seed * 271;
          yield* kernel.fsync(pair.inode);
        })(),
      );
      pair.rules.finish();
    }
  });
});

it('does not wait for what other pages of the key are asked for meanwhile', () => {
  const pair = new RdmaPair({ profile: BARE, pages: 64 });
  const { simulation } = pair.world;
  const region = pair.run(pair.register());
  const length = 62 * 4096;
  pair.run(pair.write(region, 4096, new Uint8Array(length)));
  const waited = pair.run(
    (function* (): Task<number> {
      const { rkey, iova } = region.mkey;
      for (let wrId = 0; wrId < 20; wrId++) {
        pair.requester.postSend({ wrId, opcode: 'RDMA_WRITE', length, local: null, remoteAddress: iova + 4096, rkey });
      }
      yield 10_000;
      const start = simulation.now;
      yield* pair.server.unmap(region.mkey, 0, 1);
      return simulation.now - start;
    })(),
  );
  const { check } = BARE.odp.invalidate;
  expect(waited).toBeLessThan(check.base + 2_000);
});
