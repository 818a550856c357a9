import { encodeFrame, frameBytes, Opcode, Packet, parseAddress } from '../../../../devices/nic/wire/index.js';
import { readFrames, scanCapture, SKIP_TEXT } from '../../../../src/lab/capture/index.js';
import type { Skip } from '../../../../src/lab/capture/index.js';
import { pcapFile, PcapngWriter } from '../support/capture-writer.js';
import { capturePath } from '../support/real-captures.js';
import { data, Traffic } from '../support/traffic.js';

function skips(list: readonly Skip[]): [string, number, number][] {
  return list.map(({ reason, count, firstFrame }) => [reason, count, firstFrame]);
}

describe('frames that are not RC packets', () => {
  it('are counted by reason, with the first frame and where it is', () => {
    const ethernet = (etherType: string): Buffer =>
      Buffer.concat([Buffer.alloc(12), Buffer.from(etherType, 'hex'), Buffer.alloc(46)]);
    const traffic = new Traffic();
    traffic.send(1, data(10)).frame(ethernet('0806')).frame(ethernet('8915')).frame(ethernet('0806'));
    traffic.request(Opcode.CNP, 0, { payload: new Uint8Array(16) });
    traffic
      .request(Opcode.UC_SEND_ONLY, 0)
      .request(Opcode.UD_SEND_ONLY, 0, {}, 77)
      .request(Opcode.UD_SEND_ONLY, 0, {}, 1);
    traffic.request(Opcode.RC_SEND_ONLY, 2, { transportVersion: 1 });
    const summary = traffic.scan();
    expect(skips(summary.skips)).toEqual([
      ['not-ip', 2, 2],
      ['unsupported-transport', 2, 6],
      ['roce-v1', 1, 3],
      ['cnp', 1, 5],
      ['cm', 1, 8],
      ['transport-version', 1, 9],
    ]);
    expect(summary.skips[0].firstOffset).toBe(24 + 16 + traffic.records[0].bytes.length);
    expect(summary.skips[1].detail).toBe('UC');
    expect(summary).toMatchObject({ frames: 9, packets: 5 });
    for (const { reason } of summary.skips) expect(SKIP_TEXT[reason].length).toBeGreaterThan(0);
  });

  it('include unknown opcodes, fragments and bad lengths', () => {
    const patch = (at: number, ...bytes: number[]): Uint8Array => {
      const frame = Uint8Array.from(new Traffic().send(1, data(10)).records[0].bytes);
      frame.set(bytes, at);
      return frame;
    };
    const frames = [patch(42, 0x15), patch(20, 0x20), patch(38, 0, 5), patch(36, 0, 53)];
    const summary = scanCapture(pcapFile(frames.map((bytes, ns) => ({ ns, bytes }))));
    expect(skips(summary.skips)).toEqual([
      ['unknown-opcode', 1, 1],
      ['fragment', 1, 2],
      ['bad-length', 1, 3],
      ['not-udp-4791', 1, 4],
    ]);
  });

  it('include those of interfaces whose link type cannot carry RoCEv2', () => {
    const frame = new Traffic().send(1, data(10)).records[0].bytes;
    const file = new PcapngWriter().section().interface(1).interface(249).enhanced(1, 1n, frame).enhanced(0, 2n, frame);
    const summary = scanCapture(file.file());
    expect(skips(summary.skips)).toEqual([['link-type', 1, 1]]);
    expect(summary).toMatchObject({ frames: 2, packets: 1, linkTypes: [1, 249], format: 'pcapng' });
  });
});

describe('the ICRC', () => {
  const traffic = new Traffic().send(1, data(10)).send(2, data(10)).send(3, data(10));
  const records = traffic.records.map((record, i) => {
    const bytes = Uint8Array.from(record.bytes);
    if (i === 1) bytes[60] ^= 1;
    return { ...record, bytes };
  });

  it('when checked leaves out a packet in which it is wrong, as a NIC drops it', () => {
    const summary = scanCapture(pcapFile(records));
    expect(summary.icrc).toEqual({ valid: 2, validRxeFlush: 0, wrong: 1, unchecked: 0 });
    expect(skips(summary.skips)).toEqual([['wrong-icrc', 1, 2]]);
  });

  it('when ignored does not', () => {
    const summary = scanCapture(pcapFile(records), { icrc: 'ignore' });
    expect(summary.icrc).toEqual({ valid: 0, validRxeFlush: 0, wrong: 0, unchecked: 3 });
    expect(summary.operations[0].requests).toBe(3);
  });

  it('of a packet that the capture cut short cannot be checked, and does not have to be', () => {
    const cut = records.map(({ ns, bytes }) => ({ ns, bytes: bytes.subarray(0, 60), originalLength: bytes.length }));
    const summary = scanCapture(pcapFile(cut));
    expect(summary.icrc).toEqual({ valid: 0, validRxeFlush: 0, wrong: 0, unchecked: 3 });
    expect(summary).toMatchObject({ truncatedFrames: 3, packets: 3 });
  });
});

describe('a real capture in other wrappings', () => {
  const name = 'rping-cm-pingpong-1024';
  const original = scanCapture(capturePath(name));

  it('as pcapng with a VLAN tag around every frame shows the same', () => {
    const file = new PcapngWriter(true).section().interface(1);
    for (const frame of readFrames(capturePath(name))) {
      const bytes = Buffer.from(frame.bytes.slice(frame.start, frame.end));
      const tagged = Buffer.concat([bytes.subarray(0, 12), Buffer.from('81000064', 'hex'), bytes.subarray(12)]);
      file.enhanced(0, 1_795_360_429_350_859n + BigInt(frame.timeNs / 1000), tagged);
    }
    const again = scanCapture(file.file());
    const { path, format, bytes, wireBytes, startSeconds, start, flows, ...rest } = again;
    expect(rest).toMatchObject({
      packets: original.packets,
      durationNs: original.durationNs,
      opcodes: original.opcodes,
      operations: original.operations,
      hosts: original.hosts,
    });
    expect(flows).toEqual(original.flows);
    expect(format).toBe('pcapng');
    expect(wireBytes).toBe(original.wireBytes + 4 * original.frames);
    expect([path, bytes, startSeconds, start]).not.toContain(undefined);
  });
});

describe('hosts', () => {
  it('are told apart by address and family, with what they sent', () => {
    const v6 = {
      sourceMac: new Uint8Array(6),
      destinationMac: new Uint8Array(6),
      source: parseAddress('::ffff:10.0.0.1'),
      destination: parseAddress('fd77::2'),
      sourcePort: 0xc000,
    };
    const packet = new Packet();
    packet.opcode = Opcode.RC_SEND_ONLY;
    const frame = new Uint8Array(frameBytes(v6, packet));
    encodeFrame(v6, packet, frame);
    const summary = new Traffic().send(1, data(8)).ack(1).frame(frame).scan();
    expect(summary.hosts).toEqual([
      { address: '10.0.0.1', packetsSent: 1, bytesSent: 20 + 8 + 12 + 8 + 4 },
      { address: '10.0.0.2', packetsSent: 1, bytesSent: 20 + 8 + 16 + 4 },
      { address: '::ffff:a00:1', packetsSent: 1, bytesSent: 40 + 8 + 12 + 4 },
      { address: 'fd77::2', packetsSent: 0, bytesSent: 0 },
    ]);
  });
});
