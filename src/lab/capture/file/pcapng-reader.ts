import { WINDOW_BYTES } from './byte-source.js';
import type { ByteSource } from './byte-source.js';
import type { CaptureDamage } from './capture-error.js';
import type { CapturedFrame, FrameReader } from './captured-frame.js';
import { MAX_CAPTURED_BYTES } from './pcap-reader.js';
import { readInterface, setStamp } from './pcapng-interface.js';
import type { PcapngInterface } from './pcapng-interface.js';

const BlockType = {
  INTERFACE_DESCRIPTION: 1,
  PACKET: 2,
  SIMPLE_PACKET: 3,
  ENHANCED_PACKET: 6,
  SECTION_HEADER: 0x0a0d0d0a,
} as const;

const READ_WHOLE: ReadonlySet<number> = new Set(Object.values(BlockType));
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, and the length again at the end. */
const EMPTY_BLOCK_BYTES = 12;
/** In front of the data of an Enhanced (and of the obsolete) Packet Block. */
const PACKET_HEADER_BYTES = 28;
const SIMPLE_PACKET_HEADER_BYTES = 12;

export function isPcapngMagic(head: Uint8Array): boolean {
  return head[0] === 0x0a && head[1] === 0x0d && head[2] === 0x0d && head[3] === 0x0a;
}

/** Reads pcapng: any number of sections, each in its own byte order, with its own interfaces. */
export class PcapngReader implements FrameReader {
  readonly format = 'pcapng';
  readonly linkTypes: number[] = [];
  damage: CaptureDamage | undefined = undefined;
  private readonly source: ByteSource;
  private littleEndian = true;
  private interfaces: PcapngInterface[] = [];
  private frames = 0;

  constructor(source: ByteSource) {
    this.source = source;
  }

  next(frame: CapturedFrame): boolean {
    while (this.damage === undefined && this.source.remaining > 0) {
      const offset = this.source.offset;
      const problem = this.readBlock(frame);
      if (problem === 'frame') {
        frame.number = ++this.frames;
        frame.offset = offset;
        return true;
      }
      if (problem !== undefined) {
        this.damage = { ...problem, frame: this.frames + 1, offset };
      }
    }
    return false;
  }

  /** One block: a frame, something else (undefined), or what is wrong with it. */
  private readBlock(frame: CapturedFrame): 'frame' | undefined | Problem {
    const { source } = this;
    if (!source.ensure(EMPTY_BLOCK_BYTES)) {
      return cut(`the file ends ${source.remaining} bytes into a block of at least ${EMPTY_BLOCK_BYTES}`);
    }
    const start = source.position;
    const type = this.u32(start);
    if (type === BlockType.SECTION_HEADER && !this.readByteOrder(start)) {
      return damaged('a section header must hold the byte-order magic 0x1a2b3c4d: it does not');
    }
    const length = this.u32(start + 4);
    if (length < EMPTY_BLOCK_BYTES || length % 4 !== 0) {
      return damaged(`a block length must be a multiple of 4 and at least ${EMPTY_BLOCK_BYTES}: got ${length}`);
    }
    const whole = READ_WHOLE.has(type);
    if (whole && length > WINDOW_BYTES) {
      return damaged(`a block of type ${type} must have at most ${WINDOW_BYTES} bytes: got ${length}`);
    }
    if (length > source.remaining) {
      return cut(`the file ends after ${source.remaining} of the ${length} bytes of this block`);
    }
    if (!whole) return this.skipBlock(length);
    if (!source.ensure(length)) return cut('the file became shorter while it was read');
    const at = source.position;
    const repeated = this.u32(at + length - 4);
    if (repeated !== length) return damaged(lengthMismatch(length, repeated));
    source.skip(length);
    return this.readBody(type, at, length, frame);
  }

  private skipBlock(length: number): Problem | undefined {
    this.source.skip(length - 4);
    if (!this.source.ensure(4)) return cut('the file became shorter while it was read');
    const repeated = this.u32(this.source.position);
    this.source.skip(4);
    return repeated === length ? undefined : damaged(lengthMismatch(length, repeated));
  }

  private readBody(type: number, at: number, length: number, frame: CapturedFrame): 'frame' | undefined | Problem {
    switch (type) {
      case BlockType.SECTION_HEADER:
        return this.beginSection(at, length);
      case BlockType.INTERFACE_DESCRIPTION:
        return this.addInterface(at, length);
      case BlockType.SIMPLE_PACKET:
        return this.readSimplePacket(at, length, frame);
      default:
        return this.readPacket(type, at, length, frame);
    }
  }

  private readByteOrder(at: number): boolean {
    for (const littleEndian of [true, false]) {
      if (this.source.view.getUint32(at + 8, littleEndian) === BYTE_ORDER_MAGIC) {
        this.littleEndian = littleEndian;
        return true;
      }
    }
    return false;
  }

  private beginSection(at: number, length: number): Problem | undefined {
    if (length < 28) return damaged(`a section header must have at least 28 bytes: got ${length}`);
    const major = this.source.view.getUint16(at + 12, this.littleEndian);
    if (major !== 1) return damaged(`the pcapng major version must be 1: got ${major}`);
    this.interfaces = [];
    return undefined;
  }

  private addInterface(at: number, length: number): Problem | undefined {
    if (length < 20) return damaged(`an interface description must have at least 20 bytes: got ${length}`);
    const added = readInterface(this.source.view, at, length, this.littleEndian);
    this.interfaces.push(added);
    if (!this.linkTypes.includes(added.linkType)) this.linkTypes.push(added.linkType);
    return undefined;
  }

  private readPacket(type: number, at: number, length: number, frame: CapturedFrame): 'frame' | Problem {
    if (length < PACKET_HEADER_BYTES + 4) return damaged(`a packet block must have at least 32 bytes: got ${length}`);
    const id = type === BlockType.PACKET ? this.source.view.getUint16(at + 8, this.littleEndian) : this.u32(at + 8);
    const on = this.interfaces.at(id);
    if (on === undefined) return damaged(unknownInterface(id, this.interfaces.length));
    const captured = this.u32(at + 20);
    const original = this.u32(at + 24);
    const room = length - PACKET_HEADER_BYTES - 4;
    if (captured > room) return damaged(`captured length must fit its block of ${length} bytes: got ${captured}`);
    setStamp(frame, on, this.u32(at + 12), this.u32(at + 16));
    return this.emit(frame, on, at + PACKET_HEADER_BYTES, captured, original);
  }

  private readSimplePacket(at: number, length: number, frame: CapturedFrame): 'frame' | Problem {
    const room = length - SIMPLE_PACKET_HEADER_BYTES - 4;
    if (room < 0) return damaged(`a simple packet block must have at least 16 bytes: got ${length}`);
    const on = this.interfaces.at(0);
    if (on === undefined) return damaged(unknownInterface(0, 0));
    const original = this.u32(at + 8);
    frame.stamped = false;
    const captured = Math.min(original, on.snapLength, room);
    return this.emit(frame, on, at + SIMPLE_PACKET_HEADER_BYTES, captured, original);
  }

  private emit(
    frame: CapturedFrame,
    on: PcapngInterface,
    start: number,
    captured: number,
    original: number,
  ): 'frame' | Problem {
    if (captured > MAX_CAPTURED_BYTES) {
      return damaged(`captured length must be at most ${MAX_CAPTURED_BYTES}: got ${captured}`);
    }
    if (captured > original) {
      return damaged(`captured length must not exceed the original length: got ${captured} of ${original}`);
    }
    frame.linkType = on.linkType;
    frame.start = start;
    frame.end = start + captured;
    frame.originalLength = original;
    return 'frame';
  }

  private u32(at: number): number {
    return this.source.view.getUint32(at, this.littleEndian);
  }
}

interface Problem {
  readonly kind: CaptureDamage['kind'];
  readonly problem: string;
}

function cut(problem: string): Problem {
  return { kind: 'cut', problem };
}

function damaged(problem: string): Problem {
  return { kind: 'damaged', problem };
}

function lengthMismatch(length: number, repeated: number): string {
  return `a block must end with the length it begins with: got ${length}, then ${repeated}`;
}

function unknownInterface(id: number, declared: number): string {
  return `a packet must name one of the ${declared} interfaces its section has declared: got ${id}`;
}
