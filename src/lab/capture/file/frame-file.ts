import { ByteSource } from './byte-source.js';
import { CaptureClock } from './capture-clock.js';
import { CaptureError } from './capture-error.js';
import type { CaptureDamage } from './capture-error.js';
import { CapturedFrame } from './captured-frame.js';
import type { FrameReader } from './captured-frame.js';
import { describeMagic } from './describe-magic.js';
import { isPcapMagic, PcapReader } from './pcap-reader.js';
import { isPcapngMagic, PcapngReader } from './pcapng-reader.js';
import { isSupportedLinkType, linkTypeName } from '../../../../devices/nic/wire/index.js';

/** A capture file, opened: frame after frame with its time. Close it, or let {@link readFrames} do so. */
export class FrameFile {
  readonly path: string;
  readonly frame = new CapturedFrame();
  readonly clock = new CaptureClock();
  private readonly source: ByteSource;
  private readonly reader: FrameReader;
  private usable = 0;
  private foreign = 0;

  /** @throws CaptureError when the file cannot be read or is not a capture of a link type that carries RoCEv2. */
  constructor(path: string) {
    this.path = path;
    this.source = new ByteSource(path);
    try {
      this.reader = openReader(this.source);
    } catch (error) {
      this.source.close();
      throw error;
    }
    this.frame.bytes = this.source.bytes;
  }

  get format(): 'pcap' | 'pcapng' {
    return this.reader.format;
  }

  get linkTypes(): readonly number[] {
    return this.reader.linkTypes;
  }

  get damage(): CaptureDamage | undefined {
    return this.reader.damage;
  }

  /** Bytes of the file consumed so far. */
  get bytesRead(): number {
    return this.source.offset;
  }

  get totalBytes(): number {
    return this.source.size;
  }

  /**
   * Reads the next frame into {@link frame}; false at the end, or at {@link damage}.
   * @throws CaptureError when that leaves nothing: the first record is damaged, or no frame has a usable link type.
   */
  next(): boolean {
    if (this.reader.next(this.frame)) {
      if (isSupportedLinkType(this.frame.linkType)) this.usable++;
      else this.foreign++;
      this.clock.stamp(this.frame);
      return true;
    }
    if (this.usable === 0) this.requireSomethingUsable();
    return false;
  }

  private requireSomethingUsable(): void {
    if (this.foreign > 0) throw new CaptureError(this.path, unsupported(this.linkTypes), { frame: 1 });
    if (this.damage !== undefined) {
      const { frame, offset, problem } = this.damage;
      throw new CaptureError(this.path, problem, { frame, offset });
    }
  }

  close(): void {
    this.source.close();
  }
}

function openReader(source: ByteSource): FrameReader {
  source.ensure(Math.min(16, source.size));
  const head = source.bytes.subarray(0, Math.min(16, source.size));
  if (isPcapngMagic(head)) return new PcapngReader(source);
  if (!isPcapMagic(head)) throw new CaptureError(source.path, describeMagic(head), { offset: 0 });
  const reader = new PcapReader(source);
  if (!isSupportedLinkType(reader.linkType)) {
    throw new CaptureError(source.path, unsupported(reader.linkTypes), { offset: 20 });
  }
  return reader;
}

function unsupported(linkTypes: readonly number[]): string {
  const names = linkTypes.map(linkTypeName).join(', ');
  return `the link type must be Ethernet, Linux cooked, raw IP or ERF to carry RoCEv2: got ${names}`;
}

/**
 * The frames of a pcap or pcapng file, one after the other. The object is the same each time and its bytes are a window
 * of the file: copy what must outlive the step.
 * @throws CaptureError as FrameFile does.
 */
export function* readFrames(path: string): Generator<CapturedFrame, CaptureDamage | undefined, void> {
  const file = new FrameFile(path);
  try {
    while (file.next()) yield file.frame;
    return file.damage;
  } finally {
    file.close();
  }
}
