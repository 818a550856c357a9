import { temporaryFile } from './temporary-file.js';

export interface Record {
  readonly ns: number;
  readonly bytes: Uint8Array;
  /** Length on the wire, where the capture cut the frame. */
  readonly originalLength?: number;
}

export interface PcapOptions {
  readonly linkType?: number;
  readonly bigEndian?: boolean;
  readonly nanoseconds?: boolean;
  /** Stamp of time 0, seconds since 1970. */
  readonly startSeconds?: number;
}

/** The bytes of a classic pcap file. */
export function pcapBytes(records: readonly Record[], options: PcapOptions = {}): Buffer {
  const { linkType = 1, bigEndian = false, nanoseconds = true, startSeconds = 1_700_000_000 } = options;
  const words = (...values: number[]): Buffer => {
    const out = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => (bigEndian ? out.writeUInt32BE(value, 4 * i) : out.writeUInt32LE(value, 4 * i)));
    return out;
  };
  const version = bigEndian ? 0x0002_0004 : 0x0004_0002;
  const parts = [words(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, version, 0, 0, 262_144, linkType)];
  for (const { ns, bytes, originalLength = bytes.length } of records) {
    const seconds = startSeconds + Math.floor(ns / 1e9);
    const fraction = ns % 1e9;
    parts.push(words(seconds, nanoseconds ? fraction : Math.floor(fraction / 1000), bytes.length, originalLength));
    parts.push(Buffer.from(bytes));
  }
  return Buffer.concat(parts);
}

export function pcapFile(records: readonly Record[], options: PcapOptions = {}): string {
  return temporaryFile(pcapBytes(records, options));
}

/** Writes pcapng blocks in either byte order. */
export class PcapngWriter {
  private readonly parts: Buffer[] = [];

  constructor(private bigEndian = false) {}

  section(bigEndian = this.bigEndian, major = 1): this {
    this.bigEndian = bigEndian;
    const length = Buffer.alloc(8, 0xff);
    return this.block(0x0a0d0d0a, this.u32(0x1a2b3c4d), this.u16(major), this.u16(0), length);
  }

  /** `options` are pairs of code and value. */
  interface(linkType: number, options: readonly (readonly [code: number, value: Buffer])[] = [], snapLength = 0): this {
    return this.block(1, this.u16(linkType), this.u16(0), this.u32(snapLength), this.options(options));
  }

  enhanced(id: number, ticks: bigint, bytes: Uint8Array, original = bytes.length, captured = bytes.length): this {
    return this.block(6, this.u32(id), this.ticks(ticks), this.u32(captured), this.u32(original), padded(bytes));
  }

  obsolete(id: number, ticks: bigint, bytes: Uint8Array): this {
    const lengths = [this.u32(bytes.length), this.u32(bytes.length)];
    return this.block(2, this.u16(id), this.u16(0xffff), this.ticks(ticks), ...lengths, padded(bytes));
  }

  simple(bytes: Uint8Array, original = bytes.length): this {
    return this.block(3, this.u32(original), padded(bytes));
  }

  block(type: number, ...body: Buffer[]): this {
    const length = body.reduce((sum, part) => sum + part.length, 12);
    this.parts.push(this.u32(type), this.u32(length), ...body, this.u32(length));
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.parts.push(Buffer.from(bytes));
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  file(): string {
    return temporaryFile(this.bytes());
  }

  u16(value: number): Buffer {
    const out = Buffer.alloc(2);
    return this.bigEndian ? (out.writeUInt16BE(value), out) : (out.writeUInt16LE(value), out);
  }

  u32(value: number): Buffer {
    const out = Buffer.alloc(4);
    return this.bigEndian ? (out.writeUInt32BE(value), out) : (out.writeUInt32LE(value), out);
  }

  u64(value: bigint): Buffer {
    const out = Buffer.alloc(8);
    return this.bigEndian ? (out.writeBigInt64BE(value), out) : (out.writeBigInt64LE(value), out);
  }

  private ticks(value: bigint): Buffer {
    return Buffer.concat([this.u32(Number(value >> 32n)), this.u32(Number(value & 0xffffffffn))]);
  }

  private options(options: readonly (readonly [code: number, value: Buffer])[]): Buffer {
    const parts = options.map(([code, value]) =>
      Buffer.concat([this.u16(code), this.u16(value.length), padded(value)]),
    );
    return Buffer.concat([...parts, this.u32(0)]);
  }
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
