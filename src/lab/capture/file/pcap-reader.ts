import type { ByteSource } from './byte-source.js';
import { CaptureError } from './capture-error.js';
import type { CaptureDamage } from './capture-error.js';
import type { CapturedFrame, FrameReader } from './captured-frame.js';

/** As Wireshark has it: no link of today has longer frames, and a length beyond is garbage. */
export const MAX_CAPTURED_BYTES = 262_144;

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
/** The upper bits of the link type field tell the length of a frame check sequence. */
const LINK_TYPE_MASK = 0xffff;

export function isPcapMagic(head: Uint8Array): boolean {
  return head.length >= 4 && magicOf(head) !== undefined;
}

function magicOf(head: Uint8Array): { littleEndian: boolean; nanoseconds: boolean } | undefined {
  const view = new DataView(head.buffer, head.byteOffset, 4);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MAGIC_MICROSECONDS) return { littleEndian, nanoseconds: false };
    if (magic === MAGIC_NANOSECONDS) return { littleEndian, nanoseconds: true };
  }
  return undefined;
}

/** Reads classic pcap: either byte order, micro- or nanosecond stamps. */
export class PcapReader implements FrameReader {
  readonly format = 'pcap';
  readonly linkType: number;
  damage: CaptureDamage | undefined = undefined;
  private readonly source: ByteSource;
  private readonly littleEndian: boolean;
  private readonly nanosecondsPerTick: number;
  private frames = 0;

  /** @throws CaptureError when the file ends inside the file header. */
  constructor(source: ByteSource) {
    this.source = source;
    if (!source.ensure(FILE_HEADER_BYTES)) {
      const problem = `a pcap file header has ${FILE_HEADER_BYTES} bytes: the file has ${source.size}`;
      throw new CaptureError(source.path, problem, { offset: 0 });
    }
    const { littleEndian, nanoseconds } = magicOf(source.bytes)!;
    this.littleEndian = littleEndian;
    this.nanosecondsPerTick = nanoseconds ? 1 : 1000;
    this.linkType = source.view.getUint32(20, littleEndian) & LINK_TYPE_MASK;
    source.skip(FILE_HEADER_BYTES);
  }

  get linkTypes(): readonly number[] {
    return [this.linkType];
  }

  next(frame: CapturedFrame): boolean {
    const { source } = this;
    if (this.damage !== undefined || source.remaining === 0) return false;
    const offset = source.offset;
    if (!source.ensure(RECORD_HEADER_BYTES)) {
      return this.stop('cut', offset, `the file ends ${source.remaining} bytes into a 16-byte record header`);
    }
    const at = source.position;
    const captured = source.view.getUint32(at + 8, this.littleEndian);
    const original = source.view.getUint32(at + 12, this.littleEndian);
    if (captured > MAX_CAPTURED_BYTES) {
      const rule = `captured length must be at most ${MAX_CAPTURED_BYTES}`;
      return this.stop('damaged', offset, `${rule}: got ${captured}`);
    }
    if (captured > original) {
      const rule = 'captured length must not exceed the original length';
      return this.stop('damaged', offset, `${rule}: got ${captured} of ${original}`);
    }
    if (!source.ensure(RECORD_HEADER_BYTES + captured)) {
      const there = source.remaining - RECORD_HEADER_BYTES;
      return this.stop('cut', offset, `the file ends after ${there} of the ${captured} bytes of this frame`);
    }
    const start = source.position + RECORD_HEADER_BYTES;
    frame.number = ++this.frames;
    frame.offset = offset;
    frame.linkType = this.linkType;
    frame.stamped = true;
    frame.seconds = source.view.getUint32(start - 16, this.littleEndian);
    frame.nanoseconds = source.view.getUint32(start - 12, this.littleEndian) * this.nanosecondsPerTick;
    frame.start = start;
    frame.end = start + captured;
    frame.originalLength = original;
    source.skip(RECORD_HEADER_BYTES + captured);
    return true;
  }

  private stop(kind: CaptureDamage['kind'], offset: number, problem: string): false {
    this.damage = { kind, frame: this.frames + 1, offset, problem };
    return false;
  }
}
