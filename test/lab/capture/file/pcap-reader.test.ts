import fc from 'fast-check';
import { readFrames } from '../../../../src/lab/capture/index.js';
import type { CaptureDamage, CaptureError } from '../../../../src/lab/capture/index.js';
import { pcapBytes, pcapFile } from '../support/capture-writer.js';
import type { PcapOptions } from '../support/capture-writer.js';
import { temporaryFile } from '../support/temporary-file.js';

interface Seen {
  readonly number: number;
  readonly offset: number;
  readonly timeNs: number;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
}

function read(path: string): { frames: Seen[]; damage: CaptureDamage | undefined } {
  const frames: Seen[] = [];
  const reader = readFrames(path);
  for (let step = reader.next(); ; step = reader.next()) {
    if (step.done === true) return { frames, damage: step.value };
    const { number, offset, timeNs, bytes, start, end, originalLength } = step.value;
    frames.push({ number, offset, timeNs, bytes: bytes.slice(start, end), originalLength });
  }
}

function errorOf(bytes: Uint8Array): CaptureError {
  try {
    read(temporaryFile(bytes));
  } catch (error) {
    return error as CaptureError;
  }
  throw new Error('the capture was read without an error');
}

const three = [
  { ns: 0, bytes: Uint8Array.of(1, 2, 3) },
  { ns: 1_500_000, bytes: Uint8Array.of(4) },
  { ns: 2_000_000_000, bytes: Uint8Array.of(5, 6), originalLength: 1500 },
];

describe('a pcap file', () => {
  const variants: readonly PcapOptions[] = [
    { bigEndian: false, nanoseconds: false },
    { bigEndian: false, nanoseconds: true },
    { bigEndian: true, nanoseconds: false },
    { bigEndian: true, nanoseconds: true },
  ];

  it.each(variants)('is read in either byte order and resolution: %p', (options) => {
    const { frames, damage } = read(pcapFile(three, options));
    expect(damage).toBeUndefined();
    expect(frames).toEqual([
      { number: 1, offset: 24, timeNs: 0, bytes: Uint8Array.of(1, 2, 3), originalLength: 3 },
      { number: 2, offset: 43, timeNs: 1_500_000, bytes: Uint8Array.of(4), originalLength: 1 },
      { number: 3, offset: 60, timeNs: 2_000_000_000, bytes: Uint8Array.of(5, 6), originalLength: 1500 },
    ]);
  });

  it('tells nanoseconds apart after 1970 + 50 years, where a double no longer could', () => {
    const records = [0, 1, 2, 999_999_999, 1_000_000_000].map((ns) => ({ ns, bytes: new Uint8Array(1) }));
    const { frames } = read(pcapFile(records, { startSeconds: 1_795_360_429 }));
    expect(frames.map(({ timeNs }) => timeNs)).toEqual([0, 1, 2, 999_999_999, 1_000_000_000]);
  });

  it('is read through a window far smaller than itself', () => {
    const records = Array.from({ length: 40 }, (_, i) => ({ ns: i, bytes: new Uint8Array(200_000).fill(i) }));
    const { frames } = read(pcapFile(records));
    expect(frames).toHaveLength(40);
    expect(frames.every(({ bytes }, i) => bytes.length === 200_000 && bytes.every((byte) => byte === i))).toBe(true);
  });

  it('that is cut inside its last frame keeps the frames before, and says where it ends', () => {
    const whole = pcapBytes(three);
    for (let length = 24; length < whole.length; length++) {
      const cut = whole.subarray(0, length);
      const wholeFrames = length < 43 ? 0 : length < 60 ? 1 : 2;
      if (wholeFrames === 0 && length > 24) {
        expect(errorOf(cut)).toMatchObject({ frame: 1, offset: 24 });
        continue;
      }
      const { frames, damage } = read(temporaryFile(cut));
      expect(frames).toHaveLength(wholeFrames);
      const atBoundary = length === 24 || length === 43 || length === 60;
      expect(damage?.kind).toBe(atBoundary ? undefined : 'cut');
      if (!atBoundary) expect(damage).toMatchObject({ frame: wholeFrames + 1, offset: wholeFrames === 1 ? 43 : 60 });
    }
  });

  it('with an absurd length stops there, and keeps the frames before', () => {
    const bytes = pcapBytes(three, { bigEndian: true });
    bytes.writeUInt32BE(262_145, 43 + 8);
    expect(read(temporaryFile(bytes)).damage).toEqual({
      kind: 'damaged',
      frame: 2,
      offset: 43,
      problem: 'captured length must be at most 262144: got 262145',
    });
    bytes.writeUInt32BE(2, 43 + 8);
    expect(read(temporaryFile(bytes)).damage).toMatchObject({
      problem: 'captured length must not exceed the original length: got 2 of 1',
    });
  });

  it('whose very first record is damaged is of no use', () => {
    const bytes = pcapBytes(three);
    bytes.writeUInt32LE(0xffffffff, 24 + 8);
    expect(errorOf(bytes).message).toContain(
      'frame 1, byte 24: captured length must be at most 262144: got 4294967295',
    );
  });

  it('with stamps that go backwards keeps time from doing so', () => {
    const { frames } = read(pcapFile([5, 9, 7, 8, 10].map((ns) => ({ ns, bytes: new Uint8Array(1) }))));
    expect(frames.map(({ timeNs }) => timeNs)).toEqual([0, 4, 4, 4, 5]);
  });

  it('with any stamps at all has times that are safe integers and never decrease', () => {
    const stamp = fc.tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 0xffffffff }));
    fc.assert(
      fc.property(fc.array(stamp, { minLength: 1, maxLength: 8 }), fc.boolean(), (stamps, nanoseconds) => {
        const bytes = pcapBytes(
          stamps.map(() => ({ ns: 0, bytes: new Uint8Array(0) })),
          { nanoseconds },
        );
        stamps.forEach(([seconds, fraction], i) => {
          bytes.writeUInt32LE(seconds, 24 + 16 * i);
          bytes.writeUInt32LE(fraction, 28 + 16 * i);
        });
        const times = read(temporaryFile(bytes, 'stamps.pcap')).frames.map(({ timeNs }) => timeNs);
        expect(times.every((time, i) => Number.isSafeInteger(time) && time >= (times[i - 1] ?? 0))).toBe(true);
      }),
    );
  });
});
