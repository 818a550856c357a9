import fc from 'fast-check';
import { MS, US, type Task } from '../../../src/engine/index.js';
import type { MemoryRegion } from '../../../devices/contract/index.js';
import type { WorkCompletion } from '../../../devices/nic/index.js';
import { Opcode } from '../../../devices/nic/wire/index.js';
import { BASE, RdmaPair, pattern } from '../../support/rdma-pair.js';

/** A pair whose file is pinned, so that nothing faults: transport alone. */
function pinnedPair(pages = 16): { pair: RdmaPair; region: MemoryRegion } {
  const pair = new RdmaPair({ driver: 'pinned', pages });
  return { pair, region: pair.run(pair.register()) };
}

describe('RC transport', () => {
  it('places a WRITE exactly where it is told, whatever the offset, length and path MTU', () => {
    fc.assert(
      fc.property(
        fc.nat(3 * 4096),
        fc.integer({ min: 1, max: 3 * 4096 }),
        fc.constantFrom(256, 512, 1024, 2048, 4096),
        fc.nat(0xffffff),
        (offset, length, pathMtu, psn) => {
          const { pair, region } = pinnedPair();
          pair.connect({ pathMtu, sqPsn: psn }, { pathMtu, rqPsn: psn });
          const bytes = pattern(length);
          const around = pair.run(
            (function* (): Task<Uint8Array> {
              yield* pair.write(region, offset + 64, bytes);
              return yield* pair.load(offset, length + 128);
            })(),
          );
          expect(Buffer.compare(around.subarray(64, 64 + length), bytes)).toBe(0);
          expect([...around.subarray(0, 64), ...around.subarray(64 + length)].every((byte) => byte === 0)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads back what was written', () => {
    fc.assert(
      fc.property(
        fc.nat(4096),
        fc.integer({ min: 1, max: 20_000 }),
        fc.constantFrom(256, 1024, 4096),
        (offset, length, pathMtu) => {
          const { pair, region } = pinnedPair();
          pair.connect({ pathMtu }, { pathMtu });
          const bytes = pattern(length);
          const back = pair.run(
            (function* (): Task<Uint8Array> {
              yield* pair.write(region, offset, bytes);
              return yield* pair.read(region, offset, length);
            })(),
          );
          expect(Buffer.compare(back, bytes)).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('completes requests in the order of posting', () => {
    const { pair, region } = pinnedPair();
    const { rkey, iova: remoteAddress } = region.mkey;
    const order: number[] = [];
    pair.completions.completions$.subscribe(({ wrId }) => order.push(wrId));
    for (let wrId = 1; wrId <= 20; wrId++) {
      const opcode = wrId % 3 === 0 ? 'RDMA_READ' : 'RDMA_WRITE';
      pair.requester.postSend({
        wrId,
        opcode,
        length: wrId * 700,
        local: new Uint8Array(wrId * 700),
        remoteAddress,
        rkey,
      });
    }
    pair.world.simulation.runUntilIdle();
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });

  it('acknowledges a WRITE only when it is in memory', () => {
    const { pair, region } = pinnedPair();
    const bytes = pattern(10_000);
    let seen: Uint8Array | null = null;
    pair.completions.completions$.subscribe(() => {
      const { contents } = pair.world.kernel.mm.memory;
      seen = new Uint8Array(1);
      const frame = pair.process.mm.pageTable.get((BASE + 9_999 - ((BASE + 9_999) % 4096)) / 4096) >>> 6;
      contents.read(frame, 9_999 % 4096, seen, 0, 1);
    });
    pair.requester.postSend({
      wrId: 1,
      opcode: 'RDMA_WRITE',
      length: bytes.length,
      local: bytes,
      remoteAddress: region.mkey.iova,
      rkey: region.mkey.rkey,
    });
    pair.world.simulation.runUntilIdle();
    expect(seen).toEqual(bytes.subarray(9_999));
  });

  it('takes a round trip of a few microseconds and the link its time per byte', () => {
    const { pair, region } = pinnedPair(600);
    const { simulation } = pair.world;
    function* time(length: number): Task<number> {
      const start = simulation.now;
      yield* pair.write(region, 0, pattern(length));
      return simulation.now - start;
    }
    const small = pair.run(time(8));
    const large = pair.run(time(2 ** 20));
    expect(small).toBeGreaterThan(1.5 * US);
    expect(small).toBeLessThan(3 * US);
    // 1 MiB at 100 Gb/s is 84 us, and 2 % of headers.
    expect(large - small).toBeGreaterThan(83 * US);
    expect(large - small).toBeLessThan(90 * US);
  });

  it('takes for a small READ what was published for a ConnectX-4 over RoCE: 2.8 us, within 10 %', () => {
    const { pair, region } = pinnedPair();
    const { simulation } = pair.world;
    pair.run(pair.write(region, 0, pattern(4096)));
    const start = simulation.now;
    pair.run(pair.read(region, 0, 8));
    expect(simulation.now - start).toBeGreaterThan(0.9 * 2.8 * US);
    expect(simulation.now - start).toBeLessThan(1.1 * 2.8 * US);
  });

  it('shares the link among queue pairs packet by packet', () => {
    const { pair, region } = pinnedPair(600);
    const { rkey, iova: remoteAddress } = region.mkey;
    const first = pair.requester;
    pair.connect();
    const order: string[] = [];
    pair.completions.completions$.subscribe(({ qpn }) => order.push(qpn === first.qpn ? 'large' : 'small'));
    const local = new Uint8Array(2 ** 20);
    first.postSend({ wrId: 1, opcode: 'RDMA_WRITE', length: 2 ** 20, local, remoteAddress, rkey });
    pair.requester.postSend({ wrId: 2, opcode: 'RDMA_WRITE', length: 4096, local, remoteAddress, rkey });
    pair.world.simulation.runUntilIdle();
    expect(order).toEqual(['small', 'large']);
  });

  it('does not look at the key of a WRITE or READ of nothing', () => {
    const { pair } = pinnedPair();
    const nothing = { length: 0, local: null, remoteAddress: 0, rkey: 0 };
    const statuses = pair.run(
      (function* (): Task<string[]> {
        const write = yield* pair.perform({ opcode: 'RDMA_WRITE', ...nothing });
        const read = yield* pair.perform({ opcode: 'RDMA_READ', ...nothing });
        return [write.status, read.status];
      })(),
    );
    expect(statuses).toEqual(['IBV_WC_SUCCESS', 'IBV_WC_SUCCESS']);
  });
});

describe('SEND', () => {
  it('goes to the oldest posted receive, with its immediate', () => {
    const { pair } = pinnedPair();
    const buffer = new Uint8Array(5000);
    pair.responder.postRecv({ wrId: 77, local: buffer, length: buffer.length });
    const received = pair.run(
      (function* (): Task<WorkCompletion> {
        yield* pair.perform({ opcode: 'SEND', length: 5000, local: pattern(5000), immediate: 0xdecaf });
        return yield* pair.receives.next();
      })(),
    );
    expect(received).toMatchObject({ wrId: 77, status: 'IBV_WC_SUCCESS', byteLength: 5000, immediate: 0xdecaf });
    expect(Buffer.compare(buffer, pattern(5000))).toBe(0);
  });

  it('waits for a receive: RNR NAK, and again after the timer', () => {
    const { pair } = pinnedPair();
    const { simulation } = pair.world;
    const start = simulation.now;
    simulation.after(3 * MS, 'receive posted', () => {
      pair.responder.postRecv({ wrId: 1, local: null, length: 100 });
    });
    const { status } = pair.run(pair.perform({ opcode: 'SEND', length: 100, local: pattern(100) }));
    expect(status).toBe('IBV_WC_SUCCESS');
    // Timer code 12 is 0.64 ms: refused at 0, 0.64, 1.28, 1.92 and 2.56 ms.
    expect(pair.server.stats.rnrNaksSent).toBe(5);
    expect(simulation.now - start).toBeGreaterThan(3.2 * MS);
    expect(simulation.now - start).toBeLessThan(3.3 * MS);
  });

  it('gives up after rnr_retry RNR NAKs', () => {
    const { pair } = pinnedPair();
    pair.connect({ rnrRetry: 2 });
    const { status } = pair.run(pair.perform({ opcode: 'SEND', length: 100, local: pattern(100) }));
    expect(status).toBe('IBV_WC_RNR_RETRY_EXC_ERR');
    expect(pair.server.stats.rnrNaksSent).toBe(3);
  });

  it('that does not fit is an error on both sides', () => {
    const { pair } = pinnedPair();
    pair.responder.postRecv({ wrId: 5, local: new Uint8Array(10), length: 10 });
    const [sent, received] = pair.run(
      (function* (): Task<[WorkCompletion, WorkCompletion]> {
        const completion = yield* pair.perform({ opcode: 'SEND', length: 11, local: pattern(11) });
        return [completion, yield* pair.receives.next()];
      })(),
    );
    expect(sent.status).toBe('IBV_WC_REM_INV_REQ_ERR');
    expect(received.status).toBe('IBV_WC_LOC_LEN_ERR');
  });

  it('with invalidate takes the key away from the other side', () => {
    const { pair, region } = pinnedPair();
    pair.responder.postRecv({ wrId: 1, local: null, length: 100 });
    const given: number[] = [];
    pair.server.invalidated$.subscribe(({ rkey }) => given.push(rkey));
    const { status } = pair.run(
      (function* (): Task<WorkCompletion> {
        yield* pair.perform({ opcode: 'SEND', length: 4, local: pattern(4), invalidateRkey: region.mkey.rkey });
        return yield* pair.write(region, 0, pattern(4));
      })(),
    );
    expect(given).toEqual([region.mkey.rkey]);
    expect(status).toBe('IBV_WC_REM_ACCESS_ERR');
  });
});

describe('atomics', () => {
  it('FETCH_ADD and CMP_SWAP return the old value and change memory, little-endian', () => {
    const { pair, region } = pinnedPair();
    const { rkey, iova: remoteAddress } = region.mkey;
    function* atomic(opcode: 'ATOMIC_FETCH_AND_ADD' | 'ATOMIC_CMP_AND_SWP', operands: object): Task<bigint> {
      const local = new Uint8Array(8);
      yield* pair.perform({ opcode, length: 8, local, remoteAddress, rkey, ...operands });
      return new DataView(local.buffer).getBigUint64(0, true);
    }
    const olds = pair.run(
      (function* (): Task<bigint[]> {
        return [
          yield* atomic('ATOMIC_FETCH_AND_ADD', { swapOrAdd: 5n }),
          yield* atomic('ATOMIC_CMP_AND_SWP', { compare: 4n, swapOrAdd: 9n }),
          yield* atomic('ATOMIC_CMP_AND_SWP', { compare: 5n, swapOrAdd: 0xffff_ffff_ffff_ffffn }),
          yield* atomic('ATOMIC_FETCH_AND_ADD', { swapOrAdd: 2n }),
        ];
      })(),
    );
    expect(olds).toEqual([0n, 5n, 5n, 0xffff_ffff_ffff_ffffn]);
    // The sum wraps.
    expect([...pair.run(pair.load(0, 8))]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('that are not 8-byte aligned are refused', () => {
    const { pair, region } = pinnedPair();
    const { status } = pair.run(
      pair.perform({
        opcode: 'ATOMIC_FETCH_AND_ADD',
        length: 8,
        local: null,
        remoteAddress: region.mkey.iova + 4,
        rkey: region.mkey.rkey,
        swapOrAdd: 1n,
      }),
    );
    expect(status).toBe('IBV_WC_REM_INV_REQ_ERR');
  });

  it('happen exactly once although packets are lost both ways', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 12 }),
        fc.array(fc.boolean(), { maxLength: 12 }),
        (there, back) => {
          const { pair, region } = pinnedPair();
          pair.connect({ timeout: 8 });
          pair.client.egress.lossRule = () => there.shift() ?? false;
          pair.server.egress.lossRule = () => back.shift() ?? false;
          const { rkey, iova: remoteAddress } = region.mkey;
          let completed = 0;
          pair.completions.completions$.subscribe(({ status }) => {
            expect(status).toBe('IBV_WC_SUCCESS');
            completed++;
          });
          for (let wrId = 1; wrId <= 5; wrId++) {
            const request = { opcode: 'ATOMIC_FETCH_AND_ADD', length: 8, local: null, remoteAddress, rkey } as const;
            pair.requester.postSend({ wrId, ...request, swapOrAdd: 1n });
          }
          pair.world.simulation.runUntilIdle();
          expect(completed).toBe(5);
          expect(pair.run(pair.load(0, 1))[0]).toBe(5);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('loss', () => {
  it('of any packets, either way, delays requests but changes nothing else', () => {
    const losses = fc.array(fc.boolean(), { maxLength: 40 });
    fc.assert(
      fc.property(losses, losses, fc.constantFrom(256, 1024), (there, back, pathMtu) => {
        const { pair, region } = pinnedPair();
        pair.connect({ pathMtu, timeout: 8 }, { pathMtu });
        pair.client.egress.lossRule = () => there.shift() ?? false;
        pair.server.egress.lossRule = () => back.shift() ?? false;
        const { rkey, iova } = region.mkey;
        const writes = [0, 1, 2].map((i) => pattern(5000 + i * 333, i));
        const read = new Uint8Array(5000);
        const statuses: string[] = [];
        pair.completions.completions$.subscribe(({ status }) => statuses.push(status));
        writes.forEach((local, i) => {
          const remoteAddress = iova + i * 8192;
          pair.requester.postSend({ wrId: i, opcode: 'RDMA_WRITE', length: local.length, local, remoteAddress, rkey });
        });
        pair.requester.postSend({ wrId: 3, opcode: 'RDMA_READ', length: 5000, local: read, remoteAddress: iova, rkey });
        pair.world.simulation.runUntilIdle();
        expect(statuses).toEqual(new Array(4).fill('IBV_WC_SUCCESS'));
        expect(Buffer.compare(read, writes[0])).toBe(0);
        writes.forEach((bytes, i) => {
          expect(Buffer.compare(pair.run(pair.load(i * 8192, bytes.length)), bytes)).toBe(0);
        });
      }),
      { numRuns: 60 },
    );
  });

  it('of one packet of many is repaired by a sequence NAK, without a timeout', () => {
    const { pair, region } = pinnedPair();
    pair.connect({ pathMtu: 1024 }, { pathMtu: 1024 });
    let sent = 0;
    pair.client.egress.lossRule = () => ++sent === 3;
    const { status } = pair.run(pair.write(region, 0, pattern(8192)));
    expect(status).toBe('IBV_WC_SUCCESS');
    expect(pair.server.stats.sequenceNaks).toBe(1);
    expect(pair.client.stats.timeouts).toBe(0);
    // Go back N: the lost one and the five behind it.
    expect(pair.client.stats.retransmits).toBe(6);
  });

  it('of a last packet is repaired by the ACK timeout: 4.096 us * 2^timeout', () => {
    const { pair, region } = pinnedPair();
    pair.connect({ timeout: 10 });
    let sent = 0;
    pair.client.egress.lossRule = () => ++sent === 1;
    const start = pair.world.simulation.now;
    pair.run(pair.write(region, 0, pattern(100)));
    expect(pair.client.stats.timeouts).toBe(1);
    expect(pair.world.simulation.now - start).toBeGreaterThan(4_096 * 1024);
    expect(pair.world.simulation.now - start).toBeLessThan(4_096 * 1024 + 5 * US);
  });

  it('of everything ends in RETRY_EXC after retry_cnt timeouts, and flushes the rest', () => {
    const { pair, region } = pinnedPair();
    pair.connect({ timeout: 8, retryCnt: 3 });
    pair.client.egress.lossRule = () => true;
    const statuses: string[] = [];
    pair.completions.completions$.subscribe(({ status }) => statuses.push(status));
    const { rkey, iova: remoteAddress } = region.mkey;
    for (let wrId = 0; wrId < 3; wrId++) {
      pair.requester.postSend({ wrId, opcode: 'RDMA_WRITE', length: 8, local: null, remoteAddress, rkey });
    }
    pair.world.simulation.runUntilIdle();
    expect(statuses).toEqual(['IBV_WC_RETRY_EXC_ERR', 'IBV_WC_WR_FLUSH_ERR', 'IBV_WC_WR_FLUSH_ERR']);
    expect(pair.client.stats.timeouts).toBe(4);
    expect(pair.requester.state).toBe('ERR');
  });

  it('of a READ response asks again for the rest only', () => {
    const { pair, region } = pinnedPair();
    pair.connect({ pathMtu: 1024, timeout: 8 }, { pathMtu: 1024 });
    const asked: number[] = [];
    let responses = 0;
    pair.client.egress.lossRule = (packet) => {
      if (packet.opcode === Opcode.RC_RDMA_READ_REQUEST) asked.push(packet.dmaLength);
      return false;
    };
    pair.server.egress.lossRule = (packet) => packet.payloadLength > 0 && ++responses === 5;
    const back = pair.run(pair.read(region, 0, 8192));
    expect(back.length).toBe(8192);
    expect(asked).toEqual([8192, 4096]);
  });
});

describe('an error of the other side', () => {
  it.each([
    ['an unknown key', { rkey: 0xbad }],
    ['an address before the region', { remoteAddress: BASE - 1 }],
    ['bytes behind the region', { remoteAddress: BASE + 16 * 4096 - 3 }],
  ])('%s is a remote access error, and puts the queue pair in error', (_name, wrong) => {
    const { pair, region } = pinnedPair();
    const { rkey, iova: remoteAddress } = region.mkey;
    const { status } = pair.run(
      pair.perform({ opcode: 'RDMA_WRITE', length: 4, local: pattern(4), remoteAddress, rkey, ...wrong }),
    );
    expect(status).toBe('IBV_WC_REM_ACCESS_ERR');
    expect([pair.requester.state, pair.responder.state]).toEqual(['ERR', 'ERR']);
  });

  it('a region that does not allow it is one, too', () => {
    const pair = new RdmaPair({ driver: 'pinned' });
    const region = pair.run(pair.register({ access: 4 }));
    expect(pair.run(pair.write(region, 0, pattern(4))).status).toBe('IBV_WC_REM_ACCESS_ERR');
  });

  it('flushes what was posted behind it, and what is posted later', () => {
    const { pair, region } = pinnedPair();
    const statuses: string[] = [];
    pair.completions.completions$.subscribe(({ status }) => statuses.push(status));
    const good = { opcode: 'RDMA_WRITE', length: 4, local: null, remoteAddress: region.mkey.iova } as const;
    pair.requester.postSend({ wrId: 1, ...good, rkey: region.mkey.rkey });
    pair.requester.postSend({ wrId: 2, ...good, rkey: 1 });
    pair.requester.postSend({ wrId: 3, ...good, rkey: region.mkey.rkey });
    pair.world.simulation.runUntilIdle();
    pair.requester.postSend({ wrId: 4, ...good, rkey: region.mkey.rkey });
    expect(statuses).toEqual(['IBV_WC_SUCCESS', 'IBV_WC_REM_ACCESS_ERR', 'IBV_WC_WR_FLUSH_ERR', 'IBV_WC_WR_FLUSH_ERR']);
  });
});

describe('FLUSH and ATOMIC WRITE', () => {
  it('FLUSH answers when everything before it is in memory', () => {
    const { pair, region } = pinnedPair();
    const { rkey, iova: remoteAddress } = region.mkey;
    const { status } = pair.run(
      (function* (): Task<WorkCompletion> {
        yield* pair.write(region, 0, pattern(4096));
        return yield* pair.perform({ opcode: 'FLUSH', length: 4096, local: null, remoteAddress, rkey });
      })(),
    );
    expect(status).toBe('IBV_WC_SUCCESS');
  });

  it('ATOMIC WRITE stores its eight bytes', () => {
    const { pair, region } = pinnedPair();
    const { rkey, iova } = region.mkey;
    const local = pattern(8, 3);
    pair.run(pair.perform({ opcode: 'ATOMIC_WRITE', length: 8, local, remoteAddress: iova + 16, rkey }));
    expect(pair.run(pair.load(16, 8))).toEqual(local);
  });
});

describe('work requests whose local side is a registered region', () => {
  it('gather from it and scatter to it', () => {
    const { pair, region } = pinnedPair();
    const { rkey: lkey, iova } = region.mkey;
    // The server is the requester here: it writes a page of its region to another one of itself by way of the client.
    const landing = new Uint8Array(6000);
    pair.requester.postRecv({ wrId: 9, local: landing, length: 6000 });
    pair.run(
      (function* (): Task {
        yield* pair.write(region, 0, pattern(6000));
        const sge = { lkey, address: iova, length: 6000 };
        pair.responder.postSend({ wrId: 1, opcode: 'SEND', length: 6000, local: sge });
        yield* pair.completions.next();
      })(),
    );
    expect(Buffer.compare(landing, pattern(6000))).toBe(0);
  });

  it('with a wrong key fail locally', () => {
    const { pair } = pinnedPair();
    const sge = { lkey: 0x999, address: 0, length: 8 };
    const { status } = pair.run(pair.perform({ opcode: 'SEND', length: 8, local: sge }));
    expect(status).toBe('IBV_WC_LOC_PROT_ERR');
  });
});
