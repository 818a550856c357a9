import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  checkIcrc,
  decodePacket,
  encodeFrame,
  formatAddress,
  frameBytes,
  LinkType,
  Packet,
  RoceFrame,
  u16,
  u24,
} from '../../../../devices/nic/wire/index.js';
import type { FramePath } from '../../../../devices/nic/wire/index.js';

const folder = fileURLToPath(new URL('../../../fixtures/golden/', import.meta.url));

/** The frames of a classic little-endian pcap file. */
function framesOf(name: string): Buffer[] {
  const file = readFileSync(folder + name);
  const frames: Buffer[] = [];
  for (let at = 24; at < file.length;) {
    const length = file.readUInt32LE(at + 8);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

/** What a frame's own headers say of the way it took. */
function pathOf(frame: Buffer, layers: RoceFrame): FramePath {
  const { ipOffset: ip, addressBytes } = layers;
  const address = (at: number): Uint8Array => Uint8Array.from(frame.subarray(at, at + addressBytes));
  const common = {
    destinationMac: frame.subarray(0, 6),
    sourceMac: frame.subarray(6, 12),
    source: address(layers.sourceOffset),
    destination: address(layers.destinationOffset),
    sourcePort: layers.sourcePort,
  };
  return layers.ipVersion === 4
    ? { ...common, trafficClass: frame[ip + 1], identification: u16(frame, ip + 4), hopLimit: frame[ip + 8] }
    : { ...common, flowLabel: u24(frame, ip + 1) & 0xfffff, hopLimit: frame[ip + 7] };
}

const files = readdirSync(folder).filter((name) => name.endsWith('.pcap'));

describe('frames between rxe and rxe, and between rxe and a Node responder', () => {
  it('are 1,700 or more, of nine captures', () => {
    expect(files).toHaveLength(9);
    expect(files.reduce((sum, name) => sum + framesOf(name).length, 0)).toBeGreaterThanOrEqual(1700);
  });

  describe.each(files)('%s', (name) => {
    const frames = framesOf(name);
    const layers = new RoceFrame();
    const packet = new Packet();

    it('decodes, every one, with the right ICRC', () => {
      for (const frame of frames) {
        expect(layers.parse(frame, 0, frame.length, LinkType.ETHERNET)).toBe('roce');
        expect(layers.truncated).toBe(false);
        expect(decodePacket(packet, frame, layers.bthOffset, layers.icrcOffset)).toBe('ok');
        expect(checkIcrc(frame, layers.ipOffset, layers.bthOffset, layers.icrcOffset)).toBe('valid');
      }
    });

    it('encodes again to the same bytes, from Ethernet to ICRC', () => {
      for (const frame of frames) {
        layers.parse(frame, 0, frame.length, LinkType.ETHERNET);
        decodePacket(packet, frame, layers.bthOffset, layers.icrcOffset);
        const path = pathOf(frame, layers);
        const out = new Uint8Array(frameBytes(path, packet));
        expect(encodeFrame(path, packet, out)).toBe(frame.length);
        expect(Buffer.from(out).equals(frame)).toBe(true);
      }
    });
  });

  it('come over IPv4 and over IPv6', () => {
    const layers = new RoceFrame();
    const sources = new Set<string>();
    for (const name of files) {
      for (const frame of framesOf(name)) {
        layers.parse(frame, 0, frame.length, LinkType.ETHERNET);
        sources.add(formatAddress(frame, layers.sourceOffset, layers.addressBytes));
      }
    }
    expect([...sources]).toEqual(expect.arrayContaining(['10.77.0.2', 'fd77::2']));
  });
});
