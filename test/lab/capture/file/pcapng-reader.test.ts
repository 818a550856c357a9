import { readFrames } from '../../../../src/lab/capture/index.js';
import type { CaptureDamage } from '../../../../src/lab/capture/index.js';
import { PcapngWriter } from '../support/capture-writer.js';
import { temporaryFile } from '../support/temporary-file.js';

const TSRESOL = 9;
const TSOFFSET = 14;
const SECOND = 1_000_000n;

function read(bytes: Uint8Array): {
  frames: { number: number; timeNs: number; bytes: string; linkType: number }[];
  damage: CaptureDamage | undefined;
} {
  const frames = [];
  const reader = readFrames(temporaryFile(bytes));
  for (let step = reader.next(); ; step = reader.next()) {
    if (step.done === true) return { frames, damage: step.value };
    const { number, timeNs, start, end, linkType } = step.value;
    frames.push({ number, timeNs, linkType, bytes: Buffer.from(step.value.bytes.slice(start, end)).toString('hex') });
  }
}

const a = Buffer.from('aa', 'hex');
const b = Buffer.from('bbbbbb', 'hex');

describe('a pcapng file', () => {
  it.each([
    ['little', false],
    ['big', true],
  ])('is read in %s-endian byte order', (_, bigEndian) => {
    const file = new PcapngWriter(bigEndian)
      .section()
      .interface(1)
      .enhanced(0, 7n * SECOND, a)
      .enhanced(0, 9n * SECOND + 1n, b);
    expect(read(file.bytes())).toEqual({
      frames: [
        { number: 1, timeNs: 0, linkType: 1, bytes: 'aa' },
        { number: 2, timeNs: 2_000_001_000, linkType: 1, bytes: 'bbbbbb' },
      ],
      damage: undefined,
    });
  });

  it('may have several sections, each with its byte order and its own interfaces', () => {
    const file = new PcapngWriter()
      .section(false)
      .interface(1)
      .enhanced(0, SECOND, a)
      .section(true)
      .interface(101)
      .interface(113)
      .enhanced(1, 2n * SECOND, b);
    expect(read(file.bytes()).frames.map(({ linkType, timeNs }) => [linkType, timeNs])).toEqual([
      [1, 0],
      [113, 1e9],
    ]);
  });

  it('counts time in whatever its interfaces say: powers of ten or of two, with an offset', () => {
    const file = new PcapngWriter().section();
    const resolution = (value: number): readonly [number, Buffer] => [TSRESOL, Buffer.of(value)];
    file.interface(1);
    file.interface(1, [resolution(9)]);
    file.interface(1, [resolution(0)]);
    file.interface(1, [resolution(0x80 | 10)]);
    file.interface(1, [resolution(12), [TSOFFSET, file.u64(1_795_360_431n)]]);
    file.interface(1, [resolution(0x80 | 60)]);
    file.interface(1, [resolution(3), [TSOFFSET, file.u64(1_795_360_000n)]]);
    const start = 1_795_360_429n;
    file.enhanced(0, start * SECOND, a);
    file.enhanced(1, start * 1_000_000_000n + 1n, a);
    file.enhanced(2, start + 1n, a);
    file.enhanced(3, (start + 1n) * 1024n + 512n, a);
    file.enhanced(4, 1_999n, a);
    file.enhanced(6, 433_007n, a);
    expect(read(file.bytes()).frames.map(({ timeNs }) => timeNs)).toEqual([
      0, 1, 1_000_000_000, 1_500_000_000, 2_000_000_001, 4_007_000_000,
    ]);
    expect(
      read(
        new PcapngWriter()
          .section()
          .interface(1, [resolution(0x80 | 60)])
          .enhanced(0, 1n << 60n, a)
          .enhanced(0, 3n << 59n, a)
          .bytes(),
      ).frames[1].timeNs,
    ).toBe(500_000_000);
  });

  it('may hold simple packet blocks, which have no time of their own', () => {
    const file = new PcapngWriter().section().interface(1, [], 2);
    file.enhanced(0, 5n, a).enhanced(0, 8n, a).simple(b.subarray(0, 2), 3).enhanced(0, 9n, a);
    expect(read(file.bytes()).frames.map(({ timeNs, bytes }) => [timeNs, bytes])).toEqual([
      [0, 'aa'],
      [3000, 'aa'],
      [3000, 'bbbb'],
      [4000, 'aa'],
    ]);
  });

  it('may hold the obsolete packet block', () => {
    const file = new PcapngWriter(true).section().interface(1).obsolete(0, 1n, a).obsolete(0, 4n, b);
    expect(read(file.bytes()).frames.map(({ timeNs, bytes }) => [timeNs, bytes])).toEqual([
      [0, 'aa'],
      [3000, 'bbbbbb'],
    ]);
  });

  it('may hold blocks of other types, of any size', () => {
    const file = new PcapngWriter().section().block(0x0badcafe, Buffer.alloc(3_000_000)).interface(1);
    file.enhanced(0, 1n, a).block(5, Buffer.alloc(8)).enhanced(0, 2n, b);
    expect(read(file.bytes())).toMatchObject({ frames: [{ number: 1 }, { number: 2 }], damage: undefined });
  });

  it('may mix interfaces that carry RoCEv2 with others', () => {
    const file = new PcapngWriter().section().interface(249).interface(1).enhanced(0, 1n, a).enhanced(1, 2n, b);
    expect(read(file.bytes()).frames.map(({ linkType }) => linkType)).toEqual([249, 1]);
  });

  describe('that is damaged keeps the frames before, and says what is wrong where', () => {
    const good = (): PcapngWriter => new PcapngWriter().section().interface(1).enhanced(0, 1n, a);
    const u32 = (value: number): Buffer => Buffer.from(new Uint32Array([value]).buffer);
    const offset = good().bytes().length;

    it.each<[string, (file: PcapngWriter) => PcapngWriter, CaptureDamage['kind'], string]>([
      [
        'a block length of 8',
        (file) => file.raw(u32(6)).raw(u32(8)).raw(Buffer.alloc(8)),
        'damaged',
        'a block length must be a multiple of 4 and at least 12: got 8',
      ],
      [
        'a block length of 33',
        (file) => file.raw(u32(6)).raw(u32(33)).raw(Buffer.alloc(40)),
        'damaged',
        'a block length must be a multiple of 4 and at least 12: got 33',
      ],
      [
        'two block lengths',
        (file) => file.raw(u32(99)).raw(u32(16)).raw(u32(0)).raw(u32(20)),
        'damaged',
        'a block must end with the length it begins with: got 16, then 20',
      ],
      [
        'two lengths of a packet',
        (file) => file.raw(u32(6)).raw(u32(32)).raw(Buffer.alloc(20)).raw(u32(36)),
        'damaged',
        'a block must end with the length it begins with: got 32, then 36',
      ],
      [
        'a packet block of 2 MiB',
        (file) =>
          file
            .raw(u32(6))
            .raw(u32(2 << 20))
            .raw(Buffer.alloc(8)),
        'damaged',
        'a block of type 6 must have at most 1048576 bytes: got 2097152',
      ],
      [
        'an unknown interface',
        (file) => file.enhanced(3, 1n, a),
        'damaged',
        'a packet must name one of the 1 interfaces its section has declared: got 3',
      ],
      [
        'a captured length beyond the block',
        (file) => file.enhanced(0, 1n, a, 100, 100),
        'damaged',
        'captured length must fit its block of 36 bytes: got 100',
      ],
      [
        'more captured than there was',
        (file) => file.enhanced(0, 1n, b, 2),
        'damaged',
        'captured length must not exceed the original length: got 3 of 2',
      ],
      [
        'a section of version 2',
        (file) => file.section(false, 2),
        'damaged',
        'the pcapng major version must be 1: got 2',
      ],
      [
        'a section in no byte order',
        (file) => file.raw(u32(0x0a0d0d0a)).raw(u32(28)).raw(Buffer.alloc(20)),
        'damaged',
        'a section header must hold the byte-order magic 0x1a2b3c4d: it does not',
      ],
      ['half a block header', (file) => file.raw(u32(6)), 'cut', 'the file ends 4 bytes into a block of at least 12'],
      [
        'half a block',
        (file) => file.raw(u32(6)).raw(u32(64)).raw(Buffer.alloc(8)),
        'cut',
        'the file ends after 16 of the 64 bytes of this block',
      ],
    ])('%s', (_, damage, kind, problem) => {
      const result = read(damage(good()).bytes());
      expect(result.frames).toHaveLength(1);
      expect(result.damage).toEqual({ kind, frame: 2, offset, problem });
    });
  });
});
