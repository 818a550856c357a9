import { MS, type RandomStream, type Task } from '../../../src/engine/index.js';
import { AcknowledgedData, PromiseWatch, judge } from '../../../src/lab/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

const PAGES = 8;

/** What a user of a region may do next, by chance. */
function* step(pair: RdmaPair, random: RandomStream, region: { rkey: number } | null, mark: number): Task {
  const { kernel } = pair.world;
  if (random.chance(0.15)) yield random.between(1, 40) * MS;
  if (random.chance(0.1)) yield* kernel.store(pair.process, BASE + random.below(PAGES) * 4096, 64);
  if (region === null || random.chance(0.2)) return;
  const at = random.below(PAGES * 4096 - 5000);
  const length = random.between(1, 5000);
  pair.requester.postSend({
    opcode: 'RDMA_WRITE',
    wrId: mark,
    mark,
    length,
    local: pattern(length, mark),
    remoteAddress: BASE + at,
    rkey: region.rkey,
  });
  yield* pair.completions.next();
}

describe.each(['ext4', 'btrfs'] as const)('what a power loss would take at each fsync, on %s', (fileSystem) => {
  it.each([
    ['pinned', true],
    ['odp', false],
  ] as const)('%s: is found by looking at what changed, as by looking at everything', (driver, loses) => {
    let lost = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const pair = new RdmaPair({
        seed,
        driver,
        fileSystem,
        pages: PAGES,
        writeback: { writeback: 20 * MS, expire: 10 * MS },
      });
      const { simulation, kernel } = pair.world;
      const random = simulation.random.split('test');
      const data = new AcknowledgedData();
      const watch = new PromiseWatch(pair.inode, data);
      pair.server.dma.issued$.subscribe((op) => {
        if (op.kind !== 'write' || op.mkey === null) return;
        data.written(op.mark, Math.floor((op.address - BASE) / 4096), op.offset, op.length, op.stamp);
      });
      pair.run(
        (function* (): Task {
          let region = yield* pair.register();
          for (let mark = 1; mark <= 60; mark++) {
            yield* step(pair, random, region.mkey, mark);
            data.completed(mark, true);
            if (random.chance(0.1)) {
              yield* pair.driver.deregMr(region);
              region = yield* pair.register();
            }
            if (!random.chance(0.3)) continue;
            const returned = data.fsyncBegins();
            yield* kernel.fsync(pair.inode);
            watch.look(returned());
            expect(watch.now).toEqual(judge(pair.inode, data));
            lost = Math.max(lost, watch.now.lostBytes);
          }
        })(),
      );
    }
    expect(lost > 0).toBe(loses);
  });
});
