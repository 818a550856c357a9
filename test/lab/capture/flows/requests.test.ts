import { Opcode } from '../../../../devices/nic/wire/index.js';
import { scanCapture } from '../../../../src/lab/capture/index.js';
import type { CapturedRequest } from '../../../../src/lab/capture/index.js';
import { pcapFile } from '../support/capture-writer.js';
import { data, eventsOf, REQUESTER, RESPONDER, Traffic } from '../support/traffic.js';
import type { PacketFields } from '../support/traffic.js';

const MTU = 1024;

function only(traffic: Traffic): CapturedRequest {
  const { requests } = traffic.events();
  expect(requests).toHaveLength(1);
  return requests[0];
}

describe('a request', () => {
  it('SEND of one packet carries its bytes, and names no memory', () => {
    const request = only(new Traffic().send(7, data(100)));
    expect(request).toMatchObject({
      index: 0,
      frame: 1,
      offset: 24,
      timeNs: 0,
      operation: 'SEND',
      remoteAddress: 0n,
      rKey: 0,
      length: 100,
      payloadMissing: 0,
      complete: true,
      solicited: false,
      immediate: undefined,
      invalidateRKey: undefined,
    });
    expect(request.payload).toEqual(data(100));
    expect(request.flow).toMatchObject({ requester: REQUESTER, responder: RESPONDER, responderQpn: 0x20, startPsn: 7 });
  });

  it.each([1024, 2048, 2049, 5000, 300_000])('SEND of %i bytes is put together from its packets', (length) => {
    const { payload } = only(new Traffic().send(0xfffffe, data(length), MTU));
    expect(Buffer.compare(payload!, data(length))).toBe(0);
  });

  it.each([1, 1024, 1025, 70_000])('RDMA WRITE of %i bytes has the address and rkey of its first packet', (length) => {
    const request = only(new Traffic().write(3, 0xffff_8880_0630_a000n, data(length), MTU, 0x2467b));
    expect(request).toMatchObject({
      operation: 'RDMA_WRITE',
      remoteAddress: 0xffff_8880_0630_a000n,
      rKey: 0x2467b,
      length,
    });
    expect(Buffer.compare(request.payload!, data(length))).toBe(0);
  });

  it('RDMA WRITE of no bytes to rkey 0 is as good as any', () => {
    expect(only(new Traffic().write(3, 0n, new Uint8Array(0), MTU, 0))).toMatchObject({
      operation: 'RDMA_WRITE',
      length: 0,
      payload: new Uint8Array(0),
    });
  });

  it.each<[string, number, PacketFields, Partial<CapturedRequest>]>([
    ['SEND with Immediate', Opcode.RC_SEND_ONLY_WITH_IMMEDIATE, { immediate: 0xdeadbeef }, { immediate: 0xdeadbeef }],
    ['SEND with Invalidate', Opcode.RC_SEND_ONLY_WITH_INVALIDATE, { invalidateRKey: 0x501 }, { invalidateRKey: 0x501 }],
    ['solicited SEND', Opcode.RC_SEND_ONLY, { solicitedEvent: true }, { solicited: true }],
    [
      'RDMA WRITE with Immediate',
      Opcode.RC_RDMA_WRITE_ONLY_WITH_IMMEDIATE,
      { va: 0x1000n, rKey: 5, dmaLength: 4, payload: data(4), immediate: 0 },
      { operation: 'RDMA_WRITE', immediate: 0, rKey: 5, length: 4 },
    ],
    [
      'RDMA READ',
      Opcode.RC_RDMA_READ_REQUEST,
      { va: 0x1000n, rKey: 5, dmaLength: 2 ** 31 },
      { operation: 'RDMA_READ', remoteAddress: 0x1000n, length: 2 ** 31, payload: null, payloadMissing: 0 },
    ],
    [
      'compare and swap',
      Opcode.RC_CMP_SWAP,
      { va: 0x1008n, rKey: 5, compare: 3n, swapOrAdd: 1n << 63n },
      { operation: 'ATOMIC_CMP_AND_SWP', length: 8, compare: 3n, swapOrAdd: 1n << 63n, payload: null },
    ],
    [
      'fetch and add',
      Opcode.RC_FETCH_ADD,
      { va: 0x1008n, rKey: 5, swapOrAdd: 7n },
      { operation: 'ATOMIC_FETCH_AND_ADD', length: 8, swapOrAdd: 7n },
    ],
    [
      'FLUSH',
      Opcode.RC_FLUSH,
      { va: 0x1000n, rKey: 5, dmaLength: 4096, placement: 2, selectivity: 1 },
      { operation: 'FLUSH', length: 4096, placement: 2, selectivity: 1, payload: null },
    ],
    [
      'ATOMIC WRITE',
      Opcode.RC_ATOMIC_WRITE,
      { va: 0x1000n, rKey: 5, dmaLength: 8, payload: data(8) },
      { operation: 'ATOMIC_WRITE', length: 8, payload: data(8) },
    ],
  ])('%s', (_, opcode, fields, expected) => {
    expect(only(new Traffic().request(opcode, 1, fields))).toMatchObject(expected);
  });

  it('has immediate, invalidate and solicited of its last packet', () => {
    const traffic = new Traffic().send(1, data(1500), MTU, [1]);
    traffic.request(Opcode.RC_SEND_LAST_WITH_IMMEDIATE, 2, { payload: data(10), immediate: 9, solicitedEvent: true });
    expect(only(traffic)).toMatchObject({ length: 1034, immediate: 9, solicited: true });
  });

  it('comes without its payload when none is asked for', () => {
    const { requests } = new Traffic().send(1, data(100)).events({ payloads: false });
    expect(requests[0]).toMatchObject({ payload: null, length: 100, payloadMissing: 0 });
  });
});

describe('a request in a capture with a snaplen', () => {
  const cut = (traffic: Traffic, length: number): string =>
    pcapFile(
      traffic.records.map(({ ns, bytes }) => ({ ns, bytes: bytes.subarray(0, length), originalLength: bytes.length })),
    );

  it('has what was captured, zeros for the rest, and says how much is missing', () => {
    const [request] = eventsOf(cut(new Traffic().write(1, 0x1000n, data(2500), MTU), 100)).requests;
    expect(request).toMatchObject({ complete: true, length: 2500 });
    // 100 bytes less Ethernet, IP, UDP and BTH, and in the first packet the RETH.
    const first = 100 - 14 - 20 - 8 - 12 - 16;
    const later = first + 16;
    expect(request.payloadMissing).toBe(2500 - first - 2 * later);
    expect(request.payload!.subarray(0, first)).toEqual(data(2500).subarray(0, first));
    expect(request.payload!.subarray(first, MTU).every((byte) => byte === 0)).toBe(true);
    expect(request.payload!.subarray(MTU, MTU + later)).toEqual(data(2500).subarray(MTU, MTU + later));
  });

  it('is left out when the snaplen cuts the header that names its memory', () => {
    const summary = scanCapture(cut(new Traffic().write(1, 0x1000n, data(10)).send(2, data(10)), 60));
    expect(summary.operations.map(({ operation, requests }) => [operation, requests])).toEqual([['SEND', 1]]);
    expect(summary.skips).toMatchObject([{ reason: 'truncated-headers', count: 1, firstFrame: 1 }]);
  });
});

describe('a request that contradicts itself is left out, with frame, offset and reason:', () => {
  const write = { va: 0x1000n, rKey: 5 };
  const middle = (payload: number): Traffic => {
    const traffic = new Traffic().request(Opcode.RC_RDMA_WRITE_FIRST, 1, {
      ...write,
      dmaLength: 3000,
      payload: data(1024),
    });
    return traffic.request(Opcode.RC_RDMA_WRITE_MIDDLE, 2, { payload: data(payload) });
  };

  it.each<[string, Traffic, string]>([
    [
      'a WRITE Only with less than its DMALength',
      new Traffic().request(Opcode.RC_RDMA_WRITE_ONLY, 1, { ...write, dmaLength: 12, payload: data(8) }),
      'the packet carries 8 bytes: its DMALength is 12',
    ],
    [
      'a WRITE First that carries all',
      new Traffic().request(Opcode.RC_RDMA_WRITE_FIRST, 1, { ...write, dmaLength: 1024, payload: data(1024) }),
      'the packet carries 1024 bytes: its DMALength is 1024',
    ],
    [
      'a First packet of no path MTU',
      new Traffic().request(Opcode.RC_SEND_FIRST, 1, { payload: data(1000) }),
      'a First packet must carry a path MTU: got 1000 bytes',
    ],
    [
      'a Middle packet of another length',
      middle(512),
      'RC RDMA WRITE Middle must carry the path MTU of 1024 bytes: got 512 (frame 2)',
    ],
    [
      'a Last packet too many',
      middle(1024).request(Opcode.RC_RDMA_WRITE_LAST, 3, { payload: data(1000) }),
      'RC RDMA WRITE Last brings the message to 3048 bytes: its DMALength is 3000 (frame 3)',
    ],
    [
      'a Last packet too short',
      middle(1024).request(Opcode.RC_RDMA_WRITE_LAST, 3, { payload: data(4) }),
      'RC RDMA WRITE Last brings the message to 2052 bytes: its DMALength is 3000 (frame 3)',
    ],
    [
      'an empty Last packet',
      middle(1024).request(Opcode.RC_RDMA_WRITE_LAST, 3),
      'RC RDMA WRITE Last must carry 1 … 1024 bytes: got 0 (frame 3)',
    ],
    [
      'a SEND in the middle of a WRITE',
      middle(1024).request(Opcode.RC_SEND_LAST, 3, { payload: data(4) }),
      'RC SEND Last in the middle of RDMA_WRITE (frame 3)',
    ],
    [
      'a DMALength over 2^31',
      new Traffic().request(Opcode.RC_RDMA_READ_REQUEST, 1, { ...write, dmaLength: 0xffffffff }),
      'DMALength must be at most 2^31: got 4294967295',
    ],
    [
      'a range that ends beyond 2^64',
      new Traffic().request(Opcode.RC_RDMA_READ_REQUEST, 1, { ...write, va: 0xffff_ffff_ffff_fff0n, dmaLength: 17 }),
      'the range must end below 2^64: got 17 bytes at 0xfffffffffffffff0',
    ],
    [
      'a READ that carries payload',
      new Traffic().request(Opcode.RC_RDMA_READ_REQUEST, 1, { ...write, dmaLength: 17, payload: data(4) }),
      'the request must carry no payload: got 4 bytes',
    ],
    [
      'an ATOMIC WRITE of 4 bytes',
      new Traffic().request(Opcode.RC_ATOMIC_WRITE, 1, { ...write, dmaLength: 8, payload: data(4) }),
      'ATOMIC WRITE must be of 8 bytes: got 4',
    ],
    [
      'a packet of more than 4096 bytes',
      new Traffic().request(Opcode.RC_SEND_ONLY, 1, { payload: data(5000) }),
      'a packet must carry at most 4096 bytes: got 5000',
    ],
  ])('%s', (_, traffic, detail) => {
    const summary = traffic.scan();
    expect(summary.skips).toEqual([
      { reason: 'contradictory-request', count: 1, firstFrame: 1, firstOffset: 24, detail },
    ]);
    expect(summary.operations).toEqual([]);
    expect(summary.flows[0]).toMatchObject({ contradictoryRequests: 1, incompleteRequests: 0, payloadBytes: 0 });
    expect(summary.remoteMemory).toEqual([]);
  });

  it('what follows it is not harmed', () => {
    const traffic = new Traffic().request(Opcode.RC_RDMA_WRITE_ONLY, 1, { ...write, dmaLength: 12, payload: data(8) });
    traffic.send(2, data(2500)).write(5, 0x1000n, data(10));
    expect(traffic.events().requests.map(({ operation, length }) => [operation, length])).toEqual([
      ['SEND', 2500],
      ['RDMA_WRITE', 10],
    ]);
  });

  it('a message that begins before the one before has ended', () => {
    const summary = middle(1024).send(3, data(10)).scan();
    expect(summary.skips[0]).toMatchObject({ firstFrame: 1, detail: 'RC SEND Only before its end (frame 3)' });
    expect(summary.operations.map(({ operation }) => operation)).toEqual(['SEND']);
  });

  it('a Middle packet outside of any message', () => {
    const summary = new Traffic()
      .send(1, data(10))
      .request(Opcode.RC_SEND_MIDDLE, 2, { payload: data(MTU) })
      .scan();
    expect(summary.skips[0]).toMatchObject({ firstFrame: 2, detail: 'RC SEND Middle outside a message' });
  });
});

describe('a message whose end is missing', () => {
  it('at the end of the capture is yielded as far as it came, marked incomplete', () => {
    const { requests } = new Traffic()
      .write(
        1,
        0x1000n,
        data(2 ** 20),
        MTU,
        5,
        Array.from({ length: 1022 }, (_, i) => i + 2),
      )
      .events();
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ complete: false, length: 2 ** 20, payloadMissing: 2 ** 20 - 2048 });
    expect(requests[0].payload).toEqual(data(2 ** 20).subarray(0, 2048));
  });

  it('however long it says it is, takes no more memory than arrived', () => {
    const traffic = new Traffic();
    for (let qpn = 0; qpn < 200; qpn++) {
      traffic.request(Opcode.RC_RDMA_WRITE_FIRST, 1, { va: 0n, rKey: 5, dmaLength: 2 ** 31, payload: data(256) }, qpn);
    }
    const { requests } = traffic.events();
    expect(requests).toHaveLength(200);
    expect(requests.every(({ payload, complete }) => !complete && payload!.buffer.byteLength <= 4096)).toBe(true);
    expect(traffic.scan().operations[0]).toMatchObject({ requests: 0, incomplete: 200 });
  });
});
