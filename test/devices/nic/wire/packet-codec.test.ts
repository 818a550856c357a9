import fc from 'fast-check';
import {
  BTH_BYTES,
  decodePacket,
  encodePacket,
  isKnownOpcode,
  Opcode,
  Packet,
} from '../../../../devices/nic/wire/index.js';
import { opcodeHas, OPCODE_HEADER_BYTES, OpcodeFlag as F } from '../../../../devices/nic/wire/index.js';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u24 = fc.integer({ min: 0, max: 0xffffff });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const knownOpcode = fc.constantFrom(...Object.values(Opcode));

/** Packets as a device may build them: only the fields that their headers carry are set. */
const anyPacket = fc
  .record({
    opcode: knownOpcode,
    flags: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    version: fc.integer({ min: 0, max: 15 }),
    pKey: fc.integer({ min: 0, max: 0xffff }),
    numbers24: fc.tuple(u24, u24, u24, u24),
    numbers32: fc.tuple(u32, u32, u32, u32, u32, u32, u32),
    numbers64: fc.tuple(u64, u64, u64),
    syndrome: fc.integer({ min: 0, max: 255 }),
    feth: fc.tuple(fc.integer({ min: 0, max: 15 }), fc.integer({ min: 0, max: 3 })),
    payload: fc.uint8Array({ maxLength: 64 }),
  })
  .map((from) => {
    const packet = new Packet();
    const { opcode } = from;
    packet.opcode = opcode;
    [packet.solicitedEvent, packet.migReq, packet.fecn, packet.becn, packet.ackReq] = from.flags as [
      boolean,
      boolean,
      boolean,
      boolean,
      boolean,
    ];
    packet.transportVersion = from.version;
    packet.pKey = from.pKey;
    [packet.destQp, packet.psn] = from.numbers24;
    if (opcodeHas(opcode, F.RETH | F.ATOMIC_ETH)) [packet.vaHi, packet.vaLo, packet.rKey] = from.numbers32;
    if (opcodeHas(opcode, F.RETH)) packet.dmaLength = from.numbers32[3];
    if (opcodeHas(opcode, F.ATOMIC_ETH)) [packet.swapOrAdd, packet.compare] = from.numbers64;
    if (opcodeHas(opcode, F.AETH)) {
      packet.syndrome = from.syndrome;
      packet.msn = from.numbers24[2];
    }
    if (opcodeHas(opcode, F.ATOMIC_ACK_ETH)) packet.originalData = from.numbers64[2];
    if (opcodeHas(opcode, F.IMMDT)) packet.immediate = from.numbers32[4];
    if (opcodeHas(opcode, F.IETH)) packet.invalidateRKey = from.numbers32[5];
    if (opcodeHas(opcode, F.DETH)) {
      packet.qKey = from.numbers32[6];
      packet.sourceQp = from.numbers24[3];
    }
    if (opcodeHas(opcode, F.FETH)) [packet.placement, packet.selectivity] = from.feth;
    return packet.setPayload(from.payload);
  });

function payloadOf(packet: Packet): Uint8Array {
  const { payload, payloadOffset, payloadLength } = packet;
  return payload === null ? new Uint8Array(0) : payload.slice(payloadOffset, payloadOffset + payloadLength);
}

/** Everything but where the payload lies. */
function meaning(packet: Packet): unknown {
  return { ...Object.fromEntries(Object.entries(packet)), payload: [...payloadOf(packet)], payloadOffset: 0 };
}

describe('decodePacket and encodePacket', () => {
  it('are inverse to each other for every packet a device can build', () => {
    fc.assert(
      fc.property(anyPacket, fc.integer({ min: 0, max: 9 }), (packet, offset) => {
        const bytes = new Uint8Array(offset + packet.wireBytes).fill(0xee);
        const end = encodePacket(packet, bytes, offset);
        expect(end).toBe(bytes.length);
        const decoded = new Packet();
        expect(decodePacket(decoded, bytes, offset, end)).toBe('ok');
        expect(meaning(decoded)).toEqual(meaning(packet));
      }),
      { numRuns: 500 },
    );
  });

  it('never copy the payload: the decoded packet points into the bytes it came from', () => {
    const bytes = new Uint8Array(64);
    const packet = new Packet().setPayload(Uint8Array.of(1, 2, 3));
    packet.opcode = Opcode.RC_SEND_ONLY;
    const end = encodePacket(packet, bytes, 10);
    const decoded = new Packet();
    decodePacket(decoded, bytes, 10, end);
    expect(decoded.payload).toBe(bytes);
    expect(decoded.payloadOffset).toBe(10 + BTH_BYTES);
    expect(decoded.payloadLength).toBe(3);
    expect(decoded.padCount).toBe(1);
  });

  it('give one verdict or another for any bytes, without throwing and without leaving the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(100), fc.nat(100), (bytes, endAt, capturedAt) => {
        const packet = new Packet();
        const end = Math.min(endAt, 96);
        const verdict = decodePacket(packet, bytes, 0, end, Math.min(capturedAt, bytes.length, end));
        expect(['ok', 'truncated-headers', 'unknown-opcode', 'bad-length']).toContain(verdict);
        if (verdict === 'ok')
          expect(packet.payloadOffset + packet.payloadLength + packet.padCount).toBeLessThanOrEqual(end);
      }),
    );
  });

  describe('tell apart what is wrong', () => {
    const write = new Packet();
    write.opcode = Opcode.RC_RDMA_WRITE_ONLY;
    write.dmaLength = 8;
    write.setPayload(new Uint8Array(8));
    const bytes = new Uint8Array(write.wireBytes);
    encodePacket(write, bytes, 0);
    const decode = (end: number, capturedEnd = end): string => decodePacket(new Packet(), bytes, 0, end, capturedEnd);

    it('the capture ends inside BTH or RETH: truncated headers', () => {
      expect(decode(bytes.length, 11)).toBe('truncated-headers');
      expect(decode(bytes.length, 27)).toBe('truncated-headers');
    });

    it('the capture ends behind the headers: a packet with less payload there than it declares', () => {
      expect(decode(bytes.length, 28)).toBe('ok');
      expect(decode(bytes.length, 30)).toBe('ok');
    });

    it('the declared length has no room for the headers: bad length', () => {
      expect(decode(11)).toBe('bad-length');
      expect(decode(27)).toBe('bad-length');
    });

    it('the pad is longer than what is there: bad length', () => {
      const padded = Uint8Array.from(bytes.subarray(0, 28));
      padded[1] = 0x30;
      expect(decodePacket(new Packet(), padded, 0, 28)).toBe('bad-length');
    });

    it('the opcode is unknown: the BTH is filled in all the same', () => {
      const unknown = Uint8Array.from(bytes);
      unknown[0] = 0x15;
      unknown[11] = 77;
      const packet = new Packet();
      expect(decodePacket(packet, unknown, 0, unknown.length)).toBe('unknown-opcode');
      expect(packet.psn).toBe(77);
    });
  });

  it('leave nothing of the packet before in the one after', () => {
    const packet = new Packet();
    const atomic = new Packet();
    atomic.opcode = Opcode.RC_CMP_SWAP;
    atomic.compare = 5n;
    atomic.rKey = 9;
    const bytes = new Uint8Array(64);
    decodePacket(packet, bytes, 0, encodePacket(atomic, bytes, 0));
    expect(packet.compare).toBe(5n);
    const ack = new Packet();
    ack.opcode = Opcode.RC_ACKNOWLEDGE;
    decodePacket(packet, bytes, 0, encodePacket(ack, bytes, 0));
    expect(meaning(packet)).toEqual(meaning(ack));
  });

  it('put swap before compare in the AtomicETH', () => {
    const packet = new Packet();
    packet.opcode = Opcode.RC_CMP_SWAP;
    packet.swapOrAdd = 0x1111111111111111n;
    packet.compare = 0x2222222222222222n;
    const bytes = new Uint8Array(packet.wireBytes);
    encodePacket(packet, bytes, 0);
    expect(Buffer.from(bytes.subarray(24)).toString('hex')).toBe('1111111111111111' + '2222222222222222');
  });

  it.each([
    ['psn', 0x1000000],
    ['destQp', -1],
    ['pKey', 0x10000],
    ['padCount', 4],
    ['transportVersion', 16],
  ] as const)('refuse to cut off the bits of a %s that is too wide', (field, value) => {
    const packet = new Packet();
    packet[field] = value;
    expect(() => encodePacket(packet, new Uint8Array(64), 0)).toThrow(`Packet.${field} must be 0 … 0x`);
  });

  it('refuse unknown opcodes, missing payload and a buffer that is too small', () => {
    const packet = new Packet();
    packet.opcode = 0x15;
    expect(isKnownOpcode(0x15)).toBe(false);
    expect(() => encodePacket(packet, new Uint8Array(64), 0)).toThrow('Packet.opcode must be a known opcode: got 0x15');
    packet.opcode = Opcode.RC_SEND_ONLY;
    expect(() => encodePacket(packet, new Uint8Array(11), 0)).toThrow(
      'encodePacket needs 12 bytes at 0: the buffer has 11',
    );
    packet.payloadLength = 4;
    expect(() => encodePacket(packet, new Uint8Array(64), 0)).toThrow('Packet.payload must hold the 4 bytes');
    expect(OPCODE_HEADER_BYTES[Opcode.RC_SEND_ONLY]).toBe(12);
  });
});
