import { Opcode } from '../../../../devices/nic/wire/index.js';
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
