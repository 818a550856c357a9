import {
  encodeFrame,
  frameBytes,
  LinkType,
  Opcode,
  Packet,
  parseAddress,
  RoceFrame,
} from '../../../../devices/nic/wire/index.js';
import type { FramePath } from '../../../../devices/nic/wire/index.js';

const path: FramePath = {
  sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  destinationMac: Uint8Array.of(2, 0, 0, 0, 0, 2),
  source: parseAddress('10.0.0.1'),
  destination: parseAddress('10.0.0.2'),
  sourcePort: 49152,
};

function hello(): Packet {
  const packet = new Packet().setPayload(new TextEncoder().encode('hello'));
  packet.opcode = Opcode.RC_RDMA_WRITE_ONLY;
  packet.migReq = true;
  packet.destQp = 0x11;
  packet.ackReq = true;
  packet.psn = 1;
  packet.virtualAddress = 0x7f0000001000n;
  packet.rKey = 0x1234;
  packet.dmaLength = 5;
  return packet;
}

describe('encodeFrame', () => {
  it('writes the published WRITE Only of "hello" byte for byte, ICRC included', () => {
    const packet = hello();
    const out = new Uint8Array(frameBytes(path, packet));
    expect(encodeFrame(path, packet, out)).toBe(out.length);
    expect(Buffer.from(out).toString('hex', 14)).toBe(
      '4500004400004000401126a70a0000010a000002c00012b7003000000a70ffff000000118000000100007f0000001000000012340000000568656c6c6f000000' +
        '314d4a17',
    );
  });

  it('puts VLAN tags in front of the EtherType', () => {
    const tagged = { ...path, vlanTags: [{ tci: 0x600a, etherType: 0x88a8 }, { tci: 5 }] };
    const out = new Uint8Array(frameBytes(tagged, hello()));
    encodeFrame(tagged, hello(), out);
    expect(Buffer.from(out.subarray(12, 22)).toString('hex')).toBe('88a8600a810000050800');
    const layers = new RoceFrame();
    expect(layers.parse(out, 0, out.length, LinkType.ETHERNET)).toBe('roce');
    expect(layers.vlanTags).toBe(2);
  });

  it('keeps traffic class and flow label of IPv6', () => {
    const v6 = { ...path, source: parseAddress('fd77::1'), destination: parseAddress('fd77::2') };
    const out = new Uint8Array(frameBytes(v6, hello()));
    encodeFrame({ ...v6, trafficClass: 0x6a, flowLabel: 0xabcde, hopLimit: 3 }, hello(), out);
    expect(Buffer.from(out.subarray(14, 22)).toString('hex')).toBe('66aabcde003011' + '03');
  });

  it('writes at an offset, and only there', () => {
    const out = new Uint8Array(200).fill(0xee);
    const end = encodeFrame(path, hello(), out, 50);
    expect(out.subarray(0, 50).every((byte) => byte === 0xee)).toBe(true);
    expect(out.subarray(end).every((byte) => byte === 0xee)).toBe(true);
  });

  it('refuses addresses of two families and a buffer that is too small', () => {
    const mixed = { ...path, destination: parseAddress('::1') };
    expect(() => encodeFrame(mixed, hello(), new Uint8Array(200))).toThrow(
      'FramePath addresses must both have 4 or both 16 bytes: got 4 and 16',
    );
    expect(() => encodeFrame(path, hello(), new Uint8Array(80))).toThrow(
      'encodeFrame needs 82 bytes at 0: the buffer has 80',
    );
  });
});
