import { NakCode, Opcode, nakSyndrome } from '../../../../devices/nic/wire/index.js';
import { connect, disconnect, librpmaOffer } from '../support/connection-management.js';
import { data, RESPONDER, Traffic } from '../support/traffic.js';

const MTU = 1024;

describe('remote memory', () => {
  it('is kept by owner and rkey: pages, bytes and operations', () => {
    const traffic = new Traffic();
    traffic.write(1, 0x10_0800n, data(4096), MTU, 0x500).ack(4);
    traffic.read(5, 0x20_0000n, 100, 0x500).readResponse(5, data(100));
    traffic.request(Opcode.RC_FETCH_ADD, 6, { va: 0x30_0008n, rKey: 0x500, swapOrAdd: 1n });
    traffic.request(Opcode.RC_FLUSH, 7, { va: 0x10_0800n, rKey: 0x500, dmaLength: 4096, placement: 1 });
    traffic.request(Opcode.RC_ATOMIC_WRITE, 8, { va: 0x40_0000n, rKey: 0x500, dmaLength: 8, payload: data(8) });
    const [key, ...others] = traffic.scan().remoteMemory;
    expect(others).toEqual([]);
    expect(key).toEqual({
      owner: RESPONDER,
      rKey: 0x500,
      region: undefined,
      minAddress: 0x10_0800n,
      maxAddress: 0x40_0008n,
      written: [
        { start: 0x10_0000n, end: 0x10_2000n },
        { start: 0x30_0000n, end: 0x30_1000n },
        { start: 0x40_0000n, end: 0x40_1000n },
      ],
      read: [{ start: 0x20_0000n, end: 0x20_1000n }],
      approximate: false,
      writes: 2,
      bytesWritten: 4104,
      reads: 1,
      bytesRead: 100,
      atomics: 1,
      flushes: 1,
      firstUseNs: 0,
      firstUseFrame: 1,
      lastUseNs: 90_000,
      responderQpns: [0x20],
      end: { how: 'never' },
    });
  });

  it('is not touched by an empty READ or WRITE, whose rkey no one looks at', () => {
    const traffic = new Traffic().write(1, 0n, new Uint8Array(0), MTU, 0).ack(1).read(2, 0n, 0, 0);
    const summary = traffic.scan();
    expect(summary.operations.map(({ requests }) => requests)).toEqual([1, 1]);
    expect(summary.remoteMemory).toEqual([]);
  });

  it('goes as far as a FLUSH asks, but a FLUSH of the whole region does not say how far that is', () => {
    const flush = { rKey: 0x500, placement: 2 };
    const traffic = new Traffic().write(1, 0x10_0000n, data(64), MTU, 0x500).ack(1);
    traffic.request(Opcode.RC_FLUSH, 2, { ...flush, va: 0x10_0000n, dmaLength: 0x40_0000 });
    traffic.request(Opcode.RC_FLUSH, 3, { ...flush, va: 0n, dmaLength: 0, selectivity: 1 });
    expect(traffic.scan().remoteMemory).toMatchObject([
      { minAddress: 0x10_0000n, maxAddress: 0x50_0000n, flushes: 2, written: [{ end: 0x10_1000n }], read: [] },
    ]);
  });

  it('does not reach where the responder refused access', () => {
    const refused = nakSyndrome(NakCode.REMOTE_ACCESS_ERROR);
    const traffic = new Traffic().write(1, 0x10_0000n, data(64), MTU, 0x500).ack(1);
    traffic.write(2, 0x9000_0000n, data(64), MTU, 0x500).ack(2, refused);
    const summary = traffic.scan();
    expect(summary.remoteMemory).toMatchObject([{ maxAddress: 0x10_0040n, writes: 1 }]);
    expect([...summary.refused]).toEqual([1]);
  });

  describe('that its owner announced', () => {
    const offered = (address: bigint, length: bigint, rKey: number): Traffic => {
      const traffic = new Traffic();
      connect(traffic, 0x10, 0x20, 1, { privateData: librpmaOffer(address, length, rKey) });
      return traffic.write(1, 0x7f00_0010_0000n, data(64), MTU, 0x500).ack(1);
    };

    it('is the region, whatever part of it is used', () => {
      expect(offered(0x7f00_0000_0000n, 0x40_0000n, 0x500).scan().remoteMemory).toMatchObject([
        { region: { start: 0x7f00_0000_0000n, end: 0x7f00_0040_0000n }, minAddress: 0x7f00_0010_0000n },
      ]);
    });

    it.each([
      ['another key', 0x7f00_0000_0000n, 0x40_0000n, 0x600],
      ['memory elsewhere', 0x7f00_8000_0000n, 0x40_0000n, 0x500],
      ['less than was used', 0x7f00_0000_0000n, 0x10_0020n, 0x500],
    ])('is not believed if it is %s', (_what, address, length, rKey) => {
      expect(offered(address, length, rKey).scan().remoteMemory[0].region).toBeUndefined();
    });
  });

  it('may lie at the very end of the address space', () => {
    const [key] = new Traffic().write(1, 0xffff_ffff_ffff_ff00n, data(256)).scan().remoteMemory;
    expect(key).toMatchObject({ maxAddress: 1n << 64n, written: [{ start: 0xffff_ffff_ffff_f000n, end: 1n << 64n }] });
  });

  it('crosses from one 4 GiB to the next', () => {
    const [key] = new Traffic().write(1, 0x1_ffff_ff00n, data(512)).scan().remoteMemory;
    expect(key).toMatchObject({
      minAddress: 0x1_ffff_ff00n,
      maxAddress: 0x2_0000_0100n,
      written: [{ start: 0x1_ffff_f000n, end: 0x2_0000_1000n }],
    });
  });

  describe('ends', () => {
    it('when the requester sends an Invalidate for its rkey: the next use is another life', () => {
      const traffic = new Traffic();
      traffic.write(1, 0x1000n, data(16), MTU, 0x501).ack(1);
      traffic.request(Opcode.RC_SEND_ONLY_WITH_INVALIDATE, 2, { invalidateRKey: 0x501, payload: data(16) }).ack(2);
      traffic.write(3, 0x9000n, data(16), MTU, 0x501);
      const { remoteMemory } = traffic.scan();
      expect(remoteMemory.map(({ rKey, minAddress, end }) => [rKey, minAddress, end])).toEqual([
        [0x501, 0x1000n, { how: 'invalidated', timeNs: 20_000, frame: 3 }],
        [0x501, 0x9000n, { how: 'never' }],
      ]);
    });

    it('when its index comes back with another key byte', () => {
      const traffic = new Traffic().write(1, 0x1000n, data(16), MTU, 0x501).write(2, 0x1000n, data(16), MTU, 0x502);
      expect(traffic.scan().remoteMemory.map(({ rKey, end }) => [rKey, end])).toEqual([
        [0x501, { how: 'superseded', timeNs: 10_000, frame: 2, by: 0x502 }],
        [0x502, { how: 'never' }],
      ]);
    });

    it('when the last connection that used it is given up', () => {
      const traffic = new Traffic();
      connect(traffic, 0x10, 0x20, 1);
      traffic.write(1, 0x1000n, data(16), MTU, 0x501).ack(1);
      disconnect(traffic, 'requester', 0x20);
      expect(traffic.scan().remoteMemory[0].end).toEqual({ how: 'disconnected', timeNs: 40_000, frame: 5 });
      connect(traffic, 0x11, 0x21, 9);
      traffic.request(Opcode.RC_RDMA_READ_REQUEST, 9, { va: 0x1000n, rKey: 0x501, dmaLength: 8 }, 0x21);
      expect(traffic.scan().remoteMemory.map(({ end }) => end.how)).toEqual(['never']);
    });

    it('not when an Invalidate names an rkey that was not used, or of another host', () => {
      const traffic = new Traffic().write(1, 0x1000n, data(16), MTU, 0x501);
      traffic.request(Opcode.RC_SEND_ONLY_WITH_INVALIDATE, 2, { invalidateRKey: 0x502 });
      const other = new Traffic(0x20, 0x10, RESPONDER, '10.0.0.3').pause(50_000);
      other.request(Opcode.RC_SEND_ONLY_WITH_INVALIDATE, 9, { invalidateRKey: 0x501 });
      expect(
        traffic
          .merge(other)
          .scan()
          .remoteMemory.map(({ end }) => end.how),
      ).toEqual(['never']);
    });
  });
});
