import { SEC } from '../../../src/engine/index.js';
import { CONNECTX } from '../../../devices/nic/index.js';
import { ClientRegion } from '../../support/client-region.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

/** A bus on which a write takes its time: whoever completes too early is seen to. */
const profile = { ...CONNECTX, dma: { ...CONNECTX.dma, writeLatency: 5_000 } };

describe('a completion comes when its data is in memory:', () => {
  it('of a receive into a region', () => {
    const pair = new RdmaPair({ driver: 'pinned', profile });
    const region = pair.run(pair.register());
    pair.responder.postRecv({ wrId: 7, length: 4096, local: { lkey: region.mkey.rkey, address: BASE, length: 4096 } });
    const seen: Uint8Array[] = [];
    pair.receives.completions$.subscribe(() => seen.push(pair.peek(0, 3000)));
    pair.requester.postSend({ wrId: 1, opcode: 'SEND', length: 3000, local: pattern(3000) });
    pair.world.simulation.runUntilIdle();
    expect(seen).toEqual([pattern(3000)]);
  });

  it('of a receive into bytes, which tells of the WRITEs before it, too', () => {
    const pair = new RdmaPair({ driver: 'pinned', profile });
    const { rkey, iova } = pair.run(pair.register()).mkey;
    pair.responder.postRecv({ wrId: 7, length: 8, local: null });
    const seen: Uint8Array[] = [];
    pair.receives.completions$.subscribe(() => seen.push(pair.peek(0, 64)));
    const local = pattern(64);
    pair.requester.postSend({ wrId: 1, opcode: 'RDMA_WRITE', length: 64, local, remoteAddress: iova, rkey });
    pair.requester.postSend({ wrId: 2, opcode: 'SEND', length: 8, local: pattern(8) });
    pair.world.simulation.runUntilIdle();
    expect(seen).toEqual([local]);
  });

  it('of a WRITE with immediate, with the length of the whole message', () => {
    const pair = new RdmaPair({ driver: 'pinned', profile });
    const { rkey, iova: remoteAddress } = pair.run(pair.register()).mkey;
    pair.responder.postRecv({ wrId: 7, length: 0, local: null });
    const seen: unknown[] = [];
    pair.receives.completions$.subscribe((completion) => {
      seen.push({ ...completion, data: pair.peek(0, 10_000) });
    });
    const local = pattern(10_000);
    pair.requester.postSend({
      wrId: 1,
      opcode: 'RDMA_WRITE',
      length: 10_000,
      local,
      remoteAddress,
      rkey,
      immediate: 5,
    });
    pair.world.simulation.runUntilIdle();
    expect(seen).toMatchObject([
      { wrId: 7, opcode: 'RECV_RDMA_WITH_IMM', byteLength: 10_000, immediate: 5, data: local },
    ]);
  });

  it('of a READ into a region; what is acknowledged behind it does not overtake it', () => {
    const pair = new RdmaPair({ driver: 'pinned', profile });
    const { rkey, iova: remoteAddress } = pair.run(pair.register()).mkey;
    const local = new ClientRegion(pair, 'pinned');
    const seen: unknown[] = [];
    pair.completions.completions$.subscribe(({ wrId }) => {
      seen.push([wrId, local.peek(100, 6000)]);
    });
    const bytes = pattern(6000);
    const remote = { remoteAddress, rkey };
    pair.requester.postSend({ wrId: 1, opcode: 'RDMA_WRITE', length: 6000, local: bytes, ...remote });
    pair.requester.postSend({ wrId: 2, opcode: 'RDMA_READ', length: 6000, local: local.sge(100, 6000), ...remote });
    pair.requester.postSend({ wrId: 3, opcode: 'RDMA_WRITE', length: 8, local: bytes, ...remote });
    pair.world.simulation.runUntilIdle();
    expect(seen).toEqual([
      [1, new Uint8Array(6000)],
      [2, bytes],
      [3, bytes],
    ]);
  });

  it.each([
    ['a refusal of the next one', { opcode: 'RDMA_WRITE', length: 8, rkey: 0xbad00 }],
    ['the answer to a READ of nothing', { opcode: 'RDMA_READ', length: 0 }],
    ['an RNR NAK of the next one', { opcode: 'SEND', length: 8 }],
  ] as const)('of a WRITE, if it is %s that acknowledges it; its buffer is free then', (_name, next) => {
    const pair = new RdmaPair({ driver: 'pinned', profile });
    pair.connect({ rnrRetry: 1 });
    const { rkey, iova: remoteAddress } = pair.run(pair.register()).mkey;
    const local = pattern(64);
    let inMemory: Uint8Array | null = null;
    pair.completions.completions$.subscribe(({ wrId, status }) => {
      if (wrId !== 1) return;
      expect(status).toBe('IBV_WC_SUCCESS');
      local.fill(0xcc);
      inMemory = pair.peek(0, 64);
    });
    // Only what comes behind it says that it has arrived.
    pair.client.egress.lossRule = (packet) => {
      packet.ackReq &&= packet.payloadLength !== 64;
      return false;
    };
    pair.requester.postSend({ wrId: 1, opcode: 'RDMA_WRITE', length: 64, local, remoteAddress, rkey });
    pair.requester.postSend({ wrId: 2, local: pattern(8), remoteAddress, rkey, ...next });
    pair.world.simulation.runUntil(pair.world.simulation.now + SEC);
    expect(inMemory).toEqual(pattern(64));
    expect(pair.peek(0, 64)).toEqual(pattern(64));
  });
});
