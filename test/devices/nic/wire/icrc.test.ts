import fc from 'fast-check';
import { checkIcrc, computeIcrc, computeRxeFlushIcrc, ICRC_BYTES } from '../../../../devices/nic/wire/index.js';

const IPV4_BYTES = 20;
const UDP_BYTES = 8;
const BTH_AT = IPV4_BYTES + UDP_BYTES;

/** IP header to payload, and the ICRC as it stands on the wire. */
const VECTORS: readonly (readonly [what: string, packet: string, icrc: string])[] = [
  [
    'a CNP of a real ConnectX-4 Lx (TOS 0xc2, BECN set)',
    '45c2003c718c4000401191610a0011010a001201' + '000012b700280000' + '8100ffff4000011800000000' + '00'.repeat(16),
    '82fd002a',
  ],
  [
    'a UC SEND Only with a UDP checksum',
    '45010040047840004011b4d5c0a80007c0a80007' +
      'c00012b7002caca2' +
      '2460ffff000000d300cf1710' +
      '4630818be28935d90e9a95505401be885e500000',
    '78f353f3',
  ],
  [
    'RDMA WRITE Only of "hello"',
    '4500004400004000401126a70a0000010a000002c00012b7003000000a70ffff0000001180000001' +
      '00007f0000001000000012340000000568656c6c6f000000',
    '314d4a17',
  ],
  [
    'RDMA READ Request of 4096 bytes',
    '4500003c00004000401126af0a0000010a000002c00012b7002800000c40ffff0000001180000001' +
      '00007f00000010000000123400001000',
    '3e8b2873',
  ],
  [
    'ACK, syndrome 0x1f, MSN 1',
    '4500003000004000401126bb0a0000010a000002c00012b7001c00001140ffff00000011000000011f000001',
    '5a5ec5c7',
  ],
  [
    'RNR NAK, timer code 12',
    '4500003000004000401126bb0a0000010a000002c00012b7001c00001140ffff00000011000000012c000001',
    '15095b25',
  ],
  [
    'an ACK of rxe 6.1 with IPv4 identification 0xed1a',
    '45000030ed1a4000401139040a4d00030a4d0002c15412b7001c00001100ffff00000014001746ab1f000001',
    '31c6cf48',
  ],
];

const write = Buffer.from(VECTORS[2][1], 'hex');

/** Fields that a router may change, as byte ranges from the IP header on. */
const VARIANT = new Set([1, 8, 10, 11, IPV4_BYTES + 6, IPV4_BYTES + 7, BTH_AT + 4]);

describe('the ICRC', () => {
  it.each(VECTORS)('of %s', (_, hex, icrc) => {
    const bytes = Buffer.from(hex + icrc, 'hex');
    const end = bytes.length - ICRC_BYTES;
    expect(checkIcrc(bytes, 0, BTH_AT, end)).toBe('valid');
    const stored = Buffer.alloc(4);
    stored.writeUInt32LE(computeIcrc(bytes, 0, BTH_AT, end));
    expect(stored.toString('hex')).toBe(icrc);
  });

  it('does not depend on what routers change: TOS, TTL, header and UDP checksum, FECN and BECN', () => {
    const expected = computeIcrc(write, 0, BTH_AT, write.length);
    fc.assert(
      fc.property(fc.constantFrom(...VARIANT), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bytes = Buffer.from(write);
        bytes[at] = value;
        expect(computeIcrc(bytes, 0, BTH_AT, bytes.length)).toBe(expected);
      }),
    );
  });

  it('depends on every other bit, the IPv4 identification included', () => {
    const expected = computeIcrc(write, 0, BTH_AT, write.length);
    for (let at = 0; at < write.length; at++) {
      // Byte 0 tells the IP version, by which the mask is chosen.
      if (VARIANT.has(at) || at === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(write);
        bytes[at] ^= 1 << bit;
        expect(computeIcrc(bytes, 0, BTH_AT, bytes.length)).not.toBe(expected);
      }
    }
  });

  it('of IPv6 does not depend on traffic class, flow label and hop limit', () => {
    const ipv6 = Buffer.alloc(40 + 8 + 12 + 8, 0x11);
    ipv6[0] = 0x60;
    const expected = computeIcrc(ipv6, 0, 48, ipv6.length);
    ipv6.set([0x6f, 0xab, 0xcd, 0xef]);
    ipv6[7] = 3;
    expect(computeIcrc(ipv6, 0, 48, ipv6.length)).toBe(expected);
    ipv6[6] = 58;
    expect(computeIcrc(ipv6, 0, 48, ipv6.length)).not.toBe(expected);
  });

  it('is the same for a long packet as for its bytes in one piece, wherever they lie in the buffer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4096 }), fc.nat(50), (payload, offset) => {
        const alone = Buffer.concat([write.subarray(0, BTH_AT + 12), Buffer.alloc(payload, 0x5a)]);
        const inside = Buffer.concat([Buffer.alloc(offset, 1), alone, Buffer.alloc(9, 2)]);
        expect(computeIcrc(inside, offset, offset + BTH_AT, offset + alone.length)).toBe(
          computeIcrc(alone, 0, BTH_AT, alone.length),
        );
      }),
    );
  });

  it('leaves the bytes as they are', () => {
    const bytes = Buffer.from(write);
    computeIcrc(bytes, 0, BTH_AT, bytes.length);
    expect(bytes.equals(write)).toBe(true);
  });

  describe('that rxe puts on a FLUSH', () => {
    const ip = '4500004400004000401126a70a0000010a000002c00012b700300000';
    const flush = Buffer.from(`${ip}1c00ffff00000011805ef2c60000000100007f040cbad0000000088a0000100000000000`, 'hex');
    const end = flush.length - ICRC_BYTES;

    it('counts as its own kind of valid', () => {
      const bytes = Buffer.from(flush);
      bytes.writeUInt32LE(computeRxeFlushIcrc(bytes, 0, BTH_AT, end), end);
      expect(checkIcrc(bytes, 0, BTH_AT, end)).toBe('valid-rxe-flush');
    });

    it('is wrong on anything else', () => {
      const bytes = Buffer.from(flush);
      bytes[BTH_AT] = 0x0a;
      bytes.writeUInt32LE(computeRxeFlushIcrc(bytes, 0, BTH_AT, end), end);
      expect(checkIcrc(bytes, 0, BTH_AT, end)).toBe('wrong');
    });

    it('does not take the place of the standard one', () => {
      const bytes = Buffer.from(flush);
      bytes.writeUInt32LE(computeIcrc(bytes, 0, BTH_AT, end), end);
      expect(checkIcrc(bytes, 0, BTH_AT, end)).toBe('valid');
    });
  });
});
