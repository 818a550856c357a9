import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { CaptureError, readFrames, scanCapture } from '../../../../src/lab/capture/index.js';
import { pcapBytes, pcapFile, PcapngWriter } from '../support/capture-writer.js';
import { temporaryFile, temporaryPath } from '../support/temporary-file.js';

function errorOf(path: string): CaptureError {
  try {
    scanCapture(path);
  } catch (error) {
    expect(error).toBeInstanceOf(CaptureError);
    return error as CaptureError;
  }
  throw new Error(`${path} was read without an error`);
}

describe('a path that is no capture', () => {
  it.each([
    ['a directory', () => '/', 'must be a regular file, because it is read more than once: this is a directory'],
    ['a device', () => '/dev/null', 'must be a regular file, because it is read more than once: this is a device'],
    ['nothing', () => temporaryPath('nothing.pcap'), 'cannot open the file: no such file (ENOENT)'],
    [
      'below a file',
      () => `${pcapFile([])}/x`,
      'cannot open the file: a part of the path is not a directory (ENOTDIR)',
    ],
    ['an empty file', () => temporaryFile(new Uint8Array(0)), 'the file is empty'],
  ])('because it is %s', (_, path, problem) => {
    const at = path();
    expect(errorOf(at).message).toBe(`${at}: ${problem}`);
  });

  it('because it is a FIFO, which does not make the reader wait for a writer', () => {
    const path = temporaryPath('fifo');
    execFileSync('/usr/bin/env', ['mkfifo', path]);
    expect(errorOf(path).message).toContain('this is a FIFO');
  });

  it.each([
    ['gzip', gzipSync(pcapBytes([])), 'this is gzip data, not a capture: unpack it first (gunzip)'],
    ['zstd', Buffer.from('28b52ffd04', 'hex'), 'this is zstd data, not a capture: unpack it first (unzstd)'],
    ['xz', Buffer.from('fd377a585a00', 'hex'), 'this is xz data, not a capture: unpack it first (unxz)'],
    ['zip', Buffer.from('504b030414', 'hex'), 'this is zip data, not a capture: unpack it first (unzip)'],
    ['snoop', Buffer.from('snoop\0\0\0'), 'snoop files are not supported: convert it first (editcap -F pcap)'],
    ['modified pcap', Buffer.from('34cdb2a1', 'hex'), 'pcap as modified by Kuznetsov files are not supported'],
    ['text', Buffer.from('{"packets": []}'), 'not a pcap or pcapng capture: it begins with text "{\\"packets\\": []}"'],
    [
      'bytes',
      Buffer.from('0001020304', 'hex'),
      'not a pcap or pcapng capture: it begins with the bytes 00 01 02 03 04',
    ],
    ['one byte', Buffer.from('d4', 'hex'), 'not a pcap or pcapng capture: it begins with the bytes d4'],
  ])('because it holds %s', (_, bytes, problem) => {
    const error = errorOf(temporaryFile(bytes));
    expect(error.message).toContain(`byte 0: ${problem}`);
    expect(error.offset).toBe(0);
  });

  it('because the pcap file header is cut', () => {
    expect(errorOf(temporaryFile(pcapBytes([]).subarray(0, 20))).message).toContain(
      'byte 0: a pcap file header has 24 bytes: the file has 20',
    );
  });

  it.each([
    [105, 'IEEE 802.11 (linktype 105)'],
    [247, 'InfiniBand (linktype 247)'],
    [9999, 'linktype 9999'],
  ])('because linktype %i cannot carry RoCEv2', (linkType, name) => {
    const rule = 'the link type must be Ethernet, Linux cooked, raw IP or ERF to carry RoCEv2';
    const pcap = errorOf(pcapFile([], { linkType }));
    expect(pcap.message).toContain(`byte 20: ${rule}: got ${name}`);
    const pcapng = errorOf(new PcapngWriter().section().interface(linkType).enhanced(0, 1n, new Uint8Array(20)).file());
    expect(pcapng.message).toContain(`frame 1: ${rule}: got ${name}`);
  });
});

describe('a capture without frames', () => {
  it('is read: it has none', () => {
    expect(scanCapture(pcapFile([]))).toMatchObject({
      frames: 0,
      packets: 0,
      start: undefined,
      durationNs: 0,
      flows: [],
    });
    expect(scanCapture(new PcapngWriter().section().interface(1).file())).toMatchObject({
      frames: 0,
      format: 'pcapng',
    });
  });
});

describe('readFrames', () => {
  it('lets go of the file when its user stops early', () => {
    const path = pcapFile([0, 5].map((ns) => ({ ns, bytes: new Uint8Array(60) })));
    const open = (): number => readdirSync('/dev/fd').length;
    const before = open();
    for (let i = 0; i < 20; i++) for (const frame of readFrames(path)) if (frame.number === 1) break;
    expect(open()).toBeLessThan(before + 10);
  });
});
