import { MS, SEC, US } from '../../../src/engine/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import { CONNECTX, type NicPacket, type SendWorkRequest } from '../../../devices/nic/index.js';
import { Opcode } from '../../../devices/nic/wire/index.js';
import { ClientRegion, CLIENT_BASE } from '../../support/client-region.js';
import { RdmaPair, pattern, type PairOptions } from '../../support/rdma-pair.js';

function registered(options: PairOptions): { pair: RdmaPair; region: MemoryRegion } {
  const pair = new RdmaPair(options);
  return { pair, region: pair.run(pair.register()) };
}

function request(
  region: MemoryRegion,
  wrId: number,
  opcode: SendWorkRequest['opcode'],
  offset: number,
  local: SendWorkRequest['local'],
): SendWorkRequest {
  const { rkey, iova } = region.mkey;
  return { wrId, opcode, length: local?.length ?? 8, local, remoteAddress: iova + offset, rkey };
}

/** Loses the packets of these numbers, counted from 1, among those that `counts`. */
function loses(numbers: readonly number[], counts: (packet: NicPacket) => boolean): (packet: NicPacket) => boolean {
  let seen = 0;
  return (packet) => counts(packet) && numbers.includes(++seen);
}

const isRead = ({ opcode }: NicPacket): boolean => opcode === Opcode.RC_RDMA_READ_REQUEST;
const isReadResponse = ({ opcode }: NicPacket): boolean => opcode === Opcode.RC_RDMA_READ_RESPONSE_ONLY;

describe('a lost READ response', () => {
  it('is asked for again although the WRITE behind it was acknowledged, and again if that is lost, too', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    pair.server.egress.lossRule = loses([1], isReadResponse);
    pair.client.egress.lossRule = loses([2], isRead);
    pair.requester.postSend(request(region, 1, 'RDMA_READ', 0, new Uint8Array(8)));
    pair.requester.postSend(request(region, 2, 'RDMA_WRITE', 4096, pattern(64)));
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 SUCCESS', '2 SUCCESS']);
    expect(pair.client.stats.timeouts).toBe(1);
  });

  it('is asked for again behind an RNR wait, which names a later packet', () => {
    const { pair, region } = registered({ driver: 'odp' });
    pair.run(pair.write(region, 0, pattern(8)));
    pair.server.egress.lossRule = loses([1], isReadResponse);
    pair.requester.postSend(request(region, 1, 'RDMA_READ', 0, new Uint8Array(8)));
    // Its page is missing: RNR NAK.
    pair.requester.postSend(request(region, 2, 'RDMA_WRITE', 5 * 4096, pattern(64)));
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 SUCCESS', '2 SUCCESS']);
  });

  it('is asked for again while a burst of WRITEs behind it is acknowledged', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    pair.server.egress.lossRule = loses([1], isReadResponse);
    pair.requester.postSend(request(region, 0, 'RDMA_READ', 0, new Uint8Array(8)));
    for (let i = 1; i <= 100; i++) {
      pair.requester.postSend(request(region, i, 'RDMA_WRITE', 4096 * (i % 16), pattern(4096)));
    }
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(Array.from({ length: 101 }, (_, i) => `${String(i)} SUCCESS`));
  });

  it('that never comes ends in RETRY_EXC, whatever is acknowledged behind it', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    pair.connect({ timeout: 8, retryCnt: 3 });
    pair.server.egress.lossRule = isReadResponse;
    pair.requester.postSend(request(region, 1, 'RDMA_READ', 0, new Uint8Array(8)));
    pair.requester.postSend(request(region, 2, 'RDMA_WRITE', 4096, pattern(64)));
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 RETRY_EXC_ERR', '2 WR_FLUSH_ERR']);
    expect(pair.client.stats.timeouts).toBe(4);
  });

  it('does not let a refusal of a later request be charged to the READ', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    pair.connect({ rnrRetry: 0 });
    pair.server.egress.lossRule = loses([1], isReadResponse);
    pair.requester.postSend(request(region, 1, 'RDMA_READ', 0, new Uint8Array(8)));
    pair.requester.postSend({ wrId: 2, opcode: 'SEND', length: 8, local: pattern(8) });
    pair.requester.postSend(request(region, 3, 'RDMA_WRITE', 0, pattern(8)));
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 SUCCESS', '2 RNR_RETRY_EXC_ERR', '3 WR_FLUSH_ERR']);
  });
});

describe('a request whose data is gathered from a region', () => {
  it('neither shortens the RNR wait of an earlier one nor lends it its bytes, whenever it is posted', () => {
    const dma = { ...CONNECTX.dma, readLatency: 5_000 };
    for (let delay = 0; delay < 2000; delay += 200) {
      const { pair, region } = registered({ driver: 'odp', profile: { ...CONNECTX, dma } });
      const local = new ClientRegion(pair, 'pinned');
      local.store(0, pattern(64, 2));
      const { simulation } = pair.world;
      const start = simulation.now;
      const sent: number[] = [];
      pair.client.egress.lossRule = () => sent.push(simulation.now - start) < 0;
      pair.requester.postSend(request(region, 1, 'RDMA_WRITE', 0, pattern(64, 1)));
      simulation.runUntil(start + delay);
      pair.requester.postSend(request(region, 2, 'RDMA_WRITE', 4096, local.sge(0, 64)));
      simulation.runUntilIdle();
      expect(pair.statuses()).toEqual(['1 SUCCESS', '2 SUCCESS']);
      expect(pair.peek(0, 64)).toEqual(pattern(64, 1));
      expect(pair.peek(4096, 64)).toEqual(pattern(64, 2));
      // Nothing between the first flight and the end of the RNR wait, timer code 12.
      expect(sent.filter((at) => at > 5 * US && at < 0.64 * MS)).toEqual([]);
    }
  });

  it('fetches the eight bytes of an ATOMIC WRITE, too', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    const local = new ClientRegion(pair, 'odp');
    local.store(100, pattern(8, 5));
    pair.run(pair.perform(request(region, 1, 'ATOMIC_WRITE', 16, local.sge(100, 8))));
    expect(pair.peek(16, 8)).toEqual(pattern(8, 5));
  });
});

describe('an error of the local side', () => {
  it('found at posting completes behind what was posted before, which is executed', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    pair.requester.postSend(request(region, 1, 'RDMA_WRITE', 0, pattern(64)));
    pair.requester.postSend(request(region, 2, 'RDMA_WRITE', 4096, { lkey: 0x999900, address: 0, length: 64 }));
    pair.requester.postSend(request(region, 3, 'RDMA_WRITE', 8192, pattern(64)));
    expect(pair.statuses()).toEqual([]);
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 SUCCESS', '2 LOC_PROT_ERR', '3 WR_FLUSH_ERR']);
    expect(pair.peek(0, 64)).toEqual(pattern(64));
    expect(pair.peek(8192, 64)).toEqual(new Uint8Array(64));
  });

  it('found by a page fault is charged to the request that faulted, not to one on its way', () => {
    const link = { ...CONNECTX.link, latency: 500_000 };
    const { pair, region } = registered({ driver: 'pinned', profile: { ...CONNECTX, link } });
    const local = new ClientRegion(pair, 'odp');
    pair.run(pair.world.kernel.munmap(local.process, CLIENT_BASE, 16 * 4096));
    pair.requester.postSend(request(region, 1, 'RDMA_WRITE', 0, pattern(64)));
    pair.requester.postSend(request(region, 2, 'RDMA_WRITE', 4096, local.sge(0, 64)));
    pair.world.simulation.runUntil(pair.world.simulation.now + SEC);
    expect(pair.statuses()).toEqual(['1 SUCCESS', '2 LOC_PROT_ERR']);
  });

  it('is a length error if the local side is shorter than the request', () => {
    const { pair, region } = registered({ driver: 'pinned' });
    const local = new ClientRegion(pair, 'odp');
    pair.requester.postSend({ ...request(region, 1, 'RDMA_WRITE', 0, local.sge(4000, 96)), length: 4096 });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 LOC_LEN_ERR']);
  });

  it('found when its turn comes lets its user post to another queue pair from the completion', () => {
    const { pair, region } = registered({ driver: 'pinned', pages: 128 });
    const local = new ClientRegion(pair, 'pinned');
    const failing = pair.requester;
    pair.connect();
    const other = pair.requester;
    const statuses: string[] = [];
    pair.completions.completions$.subscribe(({ wrId, status }) => {
      statuses.push(`${String(wrId)} ${status}`);
      // More than the link takes at once: it must get its further turns.
      if (wrId === 1) other.postSend({ ...request(region, 2, 'RDMA_WRITE', 0, null), length: 100 * 4096 });
    });
    failing.postSend(request(region, 1, 'RDMA_WRITE', 0, local.sge(0, 8192)));
    // The key goes while the data of its first packet is on its way: there is none for the second.
    pair.run(local.driver.deregMr(local.region));
    pair.world.simulation.runUntilIdle();
    expect(statuses).toEqual(['1 IBV_WC_LOC_PROT_ERR', '2 IBV_WC_SUCCESS']);
  });
});
