import fc from 'fast-check';
import {
  encodeFrame,
  frameBytes,
  LinkType,
  Opcode,
  Packet,
  parseAddress,
  RoceFrame,
} from '../../../../devices/nic/wire/index.js';
import { checkIcrc, decodePacket, isSupportedLinkType, linkTypeName } from '../../../../devices/nic/wire/index.js';
import type { FramePath } from '../../../../devices/nic/wire/index.js';

const ETHERNET_BYTES = 14;

function path(source: string, destination: string): FramePath {
  return {
    sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
    destinationMac: Uint8Array.of(2, 0, 0, 0, 0, 2),
    source: parseAddress(source),
    destination: parseAddress(destination),
    sourcePort: 0xc123,
  };
}

function frameOf(over: FramePath, payload = 5): Buffer {
  const packet = new Packet().setPayload(new Uint8Array(payload).fill(0x77));
  packet.opcode = Opcode.RC_SEND_ONLY;
  packet.destQp = 0x11;
  packet.psn = 0x222222;
  const out = Buffer.alloc(frameBytes(over, packet));
  encodeFrame(over, packet, out);
  return out;
}

const v4 = frameOf(path('10.0.0.1', '10.0.0.2'));
const v6 = frameOf(path('fd77::1', 'fd77::2'));
const ipOf = (frame: Buffer): Buffer => frame.subarray(ETHERNET_BYTES);

/** Parses a whole frame; when it is RoCEv2, the packet must be the one above. */
function parse(bytes: Buffer, linkType: number = LinkType.ETHERNET): { verdict: string; layers: RoceFrame } {
  const layers = new RoceFrame();
  const verdict = layers.parse(bytes, 0, bytes.length, linkType);
  if (verdict === 'roce') {
    const packet = new Packet();
    expect(decodePacket(packet, bytes, layers.bthOffset, layers.icrcOffset, layers.capturedEnd)).toBe('ok');
    expect(packet.psn).toBe(0x222222);
    if (!layers.truncated) {
      expect(checkIcrc(bytes, layers.ipOffset, layers.bthOffset, layers.icrcOffset)).toBe('valid');
    }
  }
  return { verdict, layers };
}

function patched(frame: Buffer, at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(frame);
  copy.set(bytes, at);
  return copy;
}

describe('a captured frame', () => {
  it('shows addresses, ports and where the packet lies', () => {
    const { verdict, layers } = parse(v4);
    expect(verdict).toBe('roce');
    expect([layers.source(v4), layers.destination(v4), layers.sourcePort]).toEqual(['10.0.0.1', '10.0.0.2', 0xc123]);
    expect(layers.bthOffset).toBe(14 + 20 + 8);
    expect(parse(v6).layers.source(v6)).toBe('fd77::1');
  });

  it.each([
    ['802.1Q', '81000005', 1],
    ['802.1ad around 802.1Q', '88a8000a81000005', 2],
    ['four tags', '81000001'.repeat(4), 4],
  ])('may carry VLAN tags: %s', (_, tags, count) => {
    const frame = Buffer.concat([v4.subarray(0, 12), Buffer.from(tags, 'hex'), v4.subarray(12)]);
    expect(parse(frame)).toMatchObject({ verdict: 'roce', layers: { vlanTags: count } });
  });

  it.each([
    ['Linux cooked', LinkType.LINUX_SLL, '0000' + '0001' + '0006' + '0200000000010000' + '0800'],
    ['Linux cooked v2', LinkType.LINUX_SLL2, '0800' + '0000' + '00000002' + '0001' + '00' + '06' + '0200000000010000'],
    ['ERF with Ethernet', LinkType.ERF, '00'.repeat(8) + '02' + '00'.repeat(7) + '0000' + v4.toString('hex', 0, 14)],
    ['ERF with an extension header', LinkType.ERF, '00'.repeat(8) + '82' + '00'.repeat(17) + v4.toString('hex', 0, 14)],
    ['raw IP', LinkType.RAW, ''],
    ['raw IP by its BSD number', LinkType.RAW_BSD, ''],
    ['raw IP by its OpenBSD number', LinkType.RAW_OPENBSD, ''],
    ['raw IPv4', LinkType.IPV4, ''],
  ])('may come as %s', (_, linkType, header) => {
    expect(parse(Buffer.concat([Buffer.from(header, 'hex'), ipOf(v4)]), linkType).verdict).toBe('roce');
  });

  it('may come as raw IPv6', () => {
    expect(parse(ipOf(v6), LinkType.IPV6).verdict).toBe('roce');
    expect(parse(ipOf(v6), LinkType.RAW).verdict).toBe('roce');
  });

  it('may be padded to the 60 bytes of an Ethernet frame, or carry an FCS: the ICRC is where the UDP length says', () => {
    const short = frameOf(path('10.0.0.1', '10.0.0.2'), 0);
    expect(short.length).toBeLessThan(60);
    for (const trailer of [60 - short.length, 60 - short.length + 4, 100]) {
      expect(parse(Buffer.concat([short, Buffer.alloc(trailer, 0xaa)])).verdict).toBe('roce');
    }
  });

  it('may have IPv4 options', () => {
    const options = Buffer.concat([v4.subarray(0, 34), Buffer.from('01010101', 'hex'), v4.subarray(34)]);
    const frame = patched(patched(options, 14, 0x46), 16, 0, v4.length - ETHERNET_BYTES + 4);
    const layers = new RoceFrame();
    expect(layers.parse(frame, 0, frame.length, LinkType.ETHERNET)).toBe('roce');
    expect(layers.bthOffset).toBe(14 + 24 + 8);
  });

  it('may have IPv6 hop-by-hop, routing and destination options', () => {
    const extensions = Buffer.from(
      '2b00010400000000' + '3c00010400000000' + '1101010400000000' + '0000000000000000',
      'hex',
    );
    const length = v6.length - 54 + extensions.length;
    const head = patched(patched(v6.subarray(0, 54), 14 + 4, length >>> 8, length), 14 + 6, 0);
    const frame = Buffer.concat([head, extensions, v6.subarray(54)]);
    const layers = new RoceFrame();
    expect(layers.parse(frame, 0, frame.length, LinkType.ETHERNET)).toBe('roce');
    expect(layers.bthOffset).toBe(54 + 32 + 8);
  });

  describe('is told apart from what it is not', () => {
    it.each([
      ['ARP', patched(v4, 12, 0x08, 0x06), 'not-ip'],
      ['RoCEv1', patched(v4, 12, 0x89, 0x15), 'roce-v1'],
      ['TCP', patched(v4, 14 + 9, 6), 'not-udp-4791'],
      ['ICMPv6', patched(v6, 14 + 6, 58), 'not-udp-4791'],
      ['another UDP port', patched(v4, 34 + 2, 0, 53), 'not-udp-4791'],
      ['a first IPv4 fragment', patched(v4, 14 + 6, 0x20, 0), 'fragment'],
      ['a later IPv4 fragment', patched(v4, 14 + 6, 0, 9), 'fragment'],
      ['an IPv6 fragment', patched(v6, 14 + 6, 44), 'fragment'],
      ['an IP version that does not exist', patched(v4, 14, 0x55), 'not-ip'],
      ['an IPv4 header of 16 bytes', patched(v4, 14, 0x44), 'bad-length'],
      ['an IPv4 length below its header', patched(v4, 14 + 2, 0, 19), 'bad-length'],
      ['a UDP length beyond the IP length', patched(v4, 34 + 4, 0xff, 0xff), 'bad-length'],
      ['a UDP length without room for an ICRC', patched(v4, 34 + 4, 0, 11), 'bad-length'],
    ])('%s', (_, frame, verdict) => {
      expect(parse(frame).verdict).toBe(verdict);
    });

    it('native InfiniBand in an ERF record', () => {
      const frame = Buffer.concat([Buffer.from('00'.repeat(8) + '15' + '00'.repeat(9), 'hex'), v4]);
      expect(parse(frame, LinkType.ERF).verdict).toBe('not-ip');
    });
  });

  it('cut by the snaplen still shows its headers, and that its payload is not all there', () => {
    const long = frameOf(path('10.0.0.1', '10.0.0.2'), 400);
    for (let length = 0; length < long.length; length++) {
      const cut = long.subarray(0, length);
      const layers = new RoceFrame();
      const verdict = layers.parse(cut, 0, length, LinkType.ETHERNET);
      expect(verdict).toBe(length < 42 ? 'truncated-headers' : 'roce');
      if (verdict !== 'roce') continue;
      expect(layers.truncated).toBe(true);
      expect(layers.capturedEnd).toBe(length);
      expect(layers.icrcOffset).toBe(long.length - 4);
    }
  });

  it('of any bytes gets a verdict without throwing, and without reading outside of them', () => {
    const linkTypes = Object.values(LinkType);
    fc.assert(
      fc.property(
        fc.constantFrom(v4, v6),
        fc.array(fc.tuple(fc.nat(69), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.nat(80),
        fc.constantFrom(...linkTypes),
        (frame, changes, length, linkType) => {
          const bytes = Buffer.from(frame.subarray(0, length));
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
          const layers = new RoceFrame();
          if (layers.parse(bytes, 0, bytes.length, linkType) === 'roce') {
            expect(layers.bthOffset).toBeLessThanOrEqual(bytes.length);
            expect(layers.capturedEnd).toBeLessThanOrEqual(bytes.length);
            expect(layers.icrcOffset).toBeGreaterThanOrEqual(layers.bthOffset);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('a link type', () => {
  it('is named with its number', () => {
    expect(linkTypeName(LinkType.ETHERNET)).toBe('Ethernet (linktype 1)');
    expect(linkTypeName(247)).toBe('InfiniBand (linktype 247)');
    expect(linkTypeName(9999)).toBe('linktype 9999');
  });

  it('is supported when it can carry IP', () => {
    expect([1, 12, 14, 101, 113, 197, 228, 229, 276].every(isSupportedLinkType)).toBe(true);
    expect([0, 105, 147, 247].some(isSupportedLinkType)).toBe(false);
  });
});
