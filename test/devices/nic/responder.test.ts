import type { Task } from '../../../src/engine/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import { NicPacket, RXE } from '../../../devices/nic/index.js';
import { NakCode, Opcode, nakSyndrome } from '../../../devices/nic/wire/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

function pinnedPair(access?: number): { pair: RdmaPair; region: MemoryRegion } {
  const pair = new RdmaPair({ driver: 'pinned' });
  return { pair, region: pair.run(pair.register(access === undefined ? {} : { access })) };
}

describe('a fatal refusal', () => {
  it.each([
    ['a long READ', { opcode: 'RDMA_READ', length: 60_000, local: new Uint8Array(60_000) }],
    ['an atomic', { opcode: 'ATOMIC_FETCH_AND_ADD', length: 8, local: null, swapOrAdd: 1n }],
    ['a WRITE that is on its way to memory', { opcode: 'RDMA_WRITE', length: 64, local: pattern(64) }],
  ] as const)('waits for the answer to %s before it', (_name, earlier) => {
    const { pair, region } = pinnedPair();
    const { rkey, iova: remoteAddress } = region.mkey;
    pair.requester.postSend({ wrId: 1, ...earlier, remoteAddress, rkey });
    pair.requester.postSend({
      wrId: 2,
      opcode: 'RDMA_WRITE',
      length: 64,
      local: pattern(64),
      remoteAddress,
      rkey: 0xdead00,
    });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 SUCCESS', '2 REM_ACCESS_ERR']);
    expect(pair.client.stats.timeouts).toBe(0);
    expect([pair.requester.state, pair.responder.state]).toEqual(['ERR', 'ERR']);
  });

  it('lets nothing behind it be executed, kept packets included', () => {
    const pair = new RdmaPair({ profile: RXE });
    const { kernel } = pair.world;
    const region = pair.run(pair.register());
    const { rkey, iova } = region.mkey;
    pair.run(kernel.munmap(pair.process, BASE, 4096));
    // The first one faults in vain; the second one is kept behind it, and its page is there.
    pair.run(pair.world.kernel.store(pair.process, BASE + 4096, 8, new Uint8Array(8)));
    const write = { opcode: 'RDMA_WRITE', length: 8, local: pattern(8), rkey } as const;
    pair.requester.postSend({ wrId: 1, ...write, remoteAddress: iova });
    pair.requester.postSend({ wrId: 2, ...write, remoteAddress: iova + 4096 });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 REM_ACCESS_ERR', '2 WR_FLUSH_ERR']);
    expect(pair.peek(4096, 8)).toEqual(new Uint8Array(8));
  });

  it('in the middle of a READ comes behind the data that was there', () => {
    const pair = new RdmaPair({ profile: RXE });
    const { kernel } = pair.world;
    const region = pair.run(pair.register());
    pair.run(kernel.store(pair.process, BASE, 2 * 4096, pattern(8192)));
    pair.run(kernel.munmap(pair.process, BASE + 8192, 4096));
    const local = new Uint8Array(16_384);
    const { rkey, iova: remoteAddress } = region.mkey;
    pair.requester.postSend({ wrId: 1, opcode: 'RDMA_READ', length: 16_384, local, remoteAddress, rkey });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 REM_ACCESS_ERR']);
    expect(Buffer.compare(local.subarray(0, 8192), pattern(8192))).toBe(0);
  });
});

describe('more READs and atomics than the responder takes', () => {
  it('are an invalid request', () => {
    const { pair, region } = pinnedPair();
    pair.connect({ maxRdAtomic: 8 }, { maxDestRdAtomic: 4 });
    const { rkey, iova: remoteAddress } = region.mkey;
    for (let wrId = 1; wrId <= 6; wrId++) {
      const local = new Uint8Array(16_384);
      pair.requester.postSend({ wrId, opcode: 'RDMA_READ', length: 16_384, local, remoteAddress, rkey });
    }
    pair.world.simulation.runUntilIdle();
    const statuses = pair.statuses();
    expect(statuses.slice(0, 4)).toEqual(['1 SUCCESS', '2 SUCCESS', '3 SUCCESS', '4 SUCCESS']);
    expect(statuses.slice(-2)).toEqual(['5 REM_INV_REQ_ERR', '6 WR_FLUSH_ERR']);
  });

  it('are not what a requester sends that keeps to the number, even if it has to ask again', () => {
    const { pair, region } = pinnedPair();
    pair.connect({ maxRdAtomic: 2, timeout: 8 }, { maxDestRdAtomic: 2 });
    let responses = 0;
    pair.server.egress.lossRule = () => ++responses % 3 === 0;
    const { rkey, iova: remoteAddress } = region.mkey;
    for (let wrId = 1; wrId <= 20; wrId++) {
      const opcode = wrId % 2 === 0 ? 'RDMA_READ' : 'ATOMIC_FETCH_AND_ADD';
      pair.requester.postSend({ wrId, opcode, length: 8, local: null, remoteAddress, rkey, swapOrAdd: 1n });
    }
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(Array.from({ length: 20 }, (_, i) => `${String(i + 1)} SUCCESS`));
    expect(pair.peek(0, 1)).toEqual(Uint8Array.of(10));
  });
});

describe('FLUSH', () => {
  it.each([
    ['to global visibility', 1, 0x10f, 'SUCCESS'],
    ['to global visibility without the right', 1, 0x20f, 'REM_ACCESS_ERR'],
    ['to persistence', 2, 0x20f, 'SUCCESS'],
    ['to persistence with the other right only', 2, 0x10f, 'REM_ACCESS_ERR'],
    ['to both', 3, 0x30f, 'SUCCESS'],
    ['to both with one right', 3, 0x20f, 'REM_ACCESS_ERR'],
  ])('%s: placement %d, access %d: %s', (_name, placement, access, status) => {
    for (const selectivity of [0, 1]) {
      const { pair, region } = pinnedPair(access);
      const { rkey, iova: remoteAddress } = region.mkey;
      pair.requester.postSend({
        wrId: 1,
        opcode: 'FLUSH',
        length: 64,
        local: null,
        placement,
        selectivity,
        remoteAddress,
        rkey,
      });
      pair.world.simulation.runUntilIdle();
      expect(pair.statuses()).toEqual([`1 ${status}`]);
    }
  });

  it('of a whole region that is none is a remote access error', () => {
    const { pair } = pinnedPair();
    pair.requester.postSend({ wrId: 1, opcode: 'FLUSH', length: 0, local: null, selectivity: 1, rkey: 0xbad00 });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 REM_ACCESS_ERR']);
  });
});

describe('SEND with invalidate', () => {
  it('of a key that is none is a remote access error, and the receive fails', () => {
    const { pair } = pinnedPair();
    pair.responder.postRecv({ wrId: 7, length: 64, local: null });
    pair.requester.postSend({ wrId: 1, opcode: 'SEND', length: 4, local: pattern(4), invalidateRkey: 0x12345600 });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 REM_ACCESS_ERR']);
    expect(pair.receives.poll()).toMatchObject({ wrId: 7, status: 'IBV_WC_REM_INV_REQ_ERR' });
  });

  it('of such a key passes where receives are bottomless: neither they nor the keys are known', () => {
    const { pair } = pinnedPair();
    const { completions: sendCq, receives: recvCq } = pair;
    const requester = pair.client.createQp({ sendCq, recvCq });
    const responder = pair.server.createQp({ sendCq, recvCq, bottomlessReceive: true });
    requester.connect(pair.server, responder.qpn);
    responder.connect(pair.client, requester.qpn);
    requester.postSend({ wrId: 1, opcode: 'SEND', length: 4, local: pattern(4), invalidateRkey: 0x12345600 });
    pair.world.simulation.runUntilIdle();
    expect(pair.statuses()).toEqual(['1 SUCCESS']);
  });
});

it('a SEND into a region whose page is gone is an operation error here, a protection error there', () => {
  const pair = new RdmaPair();
  const region = pair.run(pair.register());
  pair.run(pair.world.kernel.munmap(pair.process, BASE, 4096));
  pair.responder.postRecv({ wrId: 7, length: 64, local: { lkey: region.mkey.rkey, address: BASE, length: 64 } });
  const status = pair.run(
    (function* (): Task<string> {
      return (yield* pair.perform({ opcode: 'SEND', length: 64, local: pattern(64) })).status;
    })(),
  );
  expect(status).toBe('IBV_WC_REM_OP_ERR');
  expect(pair.receives.poll()).toMatchObject({ wrId: 7, status: 'IBV_WC_LOC_PROT_ERR' });
});

describe('a packet that does not fit the one before it is an invalid request:', () => {
  const first = { opcode: Opcode.RC_RDMA_WRITE_FIRST, payloadLength: 1024, dmaLength: 4096 };
  const middle = { opcode: Opcode.RC_RDMA_WRITE_MIDDLE, payloadLength: 1024 };
  const last = { opcode: Opcode.RC_RDMA_WRITE_LAST, payloadLength: 1024 };
  const only = { opcode: Opcode.RC_RDMA_WRITE_ONLY, payloadLength: 8, dmaLength: 8 };

  it.each([
    ['a MIDDLE without a FIRST', [middle]],
    ['a LAST without a FIRST', [last]],
    ['a LAST of a SEND without a FIRST', [{ opcode: Opcode.RC_SEND_LAST, payloadLength: 8 }]],
    ['a FIRST inside a message', [first, first]],
    ['an ONLY inside a message', [first, only]],
    ['a READ inside a message', [first, { opcode: Opcode.RC_RDMA_READ_REQUEST, dmaLength: 8 }]],
    ['a MIDDLE of a SEND inside a WRITE', [first, { opcode: Opcode.RC_SEND_MIDDLE, payloadLength: 1024 }]],
    ['a FIRST that is not full', [{ ...first, payloadLength: 1000 }]],
    ['a FIRST longer than the path MTU', [{ ...first, payloadLength: 2048 }]],
    ['a MIDDLE that is not full', [first, { ...middle, payloadLength: 1020 }]],
    ['a LAST of nothing', [first, middle, middle, middle, { ...last, payloadLength: 0 }]],
    ['an ONLY longer than the path MTU', [{ ...only, payloadLength: 1028, dmaLength: 1028 }]],
  ])('%s', (_name, packets) => {
    const { pair, region } = pinnedPair();
    pair.connect({ pathMtu: 1024 }, { pathMtu: 1024 });
    const answers: object[] = [];
    pair.server.egress.lossRule = ({ psn, syndrome }) => answers.push({ psn, syndrome }) > 0;
    packets.forEach((fields, psn) => {
      const packet = Object.assign(new NicPacket(), fields);
      const { rkey, iova } = region.mkey;
      Object.assign(packet, { psn, destQp: pair.responder.qpn, rKey: rkey });
      packet.virtualAddress = BigInt(iova);
      pair.server.receive(packet);
    });
    pair.world.simulation.runUntilIdle();
    expect(answers).toEqual([{ psn: packets.length - 1, syndrome: nakSyndrome(NakCode.INVALID_REQUEST) }]);
    expect(pair.responder.state).toBe('ERR');
  });
});
