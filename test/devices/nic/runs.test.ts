import type { Task } from '../../../src/engine/index.js';
import { CONNECTX, RXE } from '../../../devices/nic/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

/** When a few WRITEs complete, and what memory holds then; `single` makes every packet an object of its own. */
function story(profile: typeof CONNECTX, pathMtu: number, lengths: readonly number[], single: boolean): unknown {
  const pages = 512;
  const pair = new RdmaPair({ profile, pages, memory: 2 ** 28 });
  if (single) pair.client.egress.lossRule = () => false;
  return pair.run(
    (function* (): Task<unknown> {
      const region = yield* pair.register();
      pair.connect({ pathMtu }, { pathMtu });
      const ends: [number, number][] = [];
      let at = 0;
      for (const [i, length] of lengths.entries()) {
        pair.requester.postSend({
          opcode: 'RDMA_WRITE',
          wrId: i,
          length,
          local: pattern(length, i),
          remoteAddress: BASE + at,
          rkey: region.mkey.rkey,
        });
        at += length + 100;
      }
      for (let i = 0; i < lengths.length; i++)
        ends.push([(yield* pair.completions.next()).wrId, pair.world.simulation.now]);
      const { packetsSent, retransmits, pageFaults } = pair.client.stats;
      const bytes = yield* pair.load(0, at);
      return { ends, packetsSent, retransmits, pageFaults, received: pair.server.stats.packetsReceived, bytes };
    })(),
  );
}

describe('packets that travel as a run', () => {
  it.each([
    [CONNECTX.name, CONNECTX],
    [RXE.name, RXE],
  ])('arrive, land and are acknowledged at the times that each would have had by itself: %s', (_name, profile) => {
    for (const pathMtu of [256, 1024, 4096]) {
      for (const lengths of [[16_384], [65_536], [1_000_000], [5000, 70_000, 300, 200_000]]) {
        expect(story(profile, pathMtu, lengths, false)).toEqual(story(profile, pathMtu, lengths, true));
      }
    }
  });
});
