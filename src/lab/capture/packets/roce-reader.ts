import { checkIcrc, decodePacket, isSupportedLinkType, Packet, RoceFrame } from '../../../../devices/nic/wire/index.js';
import type { CapturedFrame } from '../file/index.js';
import { FrameFile } from '../file/index.js';
import { SkipLedger } from './skip-ledger.js';
import type { SkipReason } from './skip-ledger.js';

/** `check`: a packet with a wrong ICRC is left out, as a NIC drops it. `ignore`: the ICRC is not looked at. */
export type IcrcPolicy = 'check' | 'ignore';

/** How the ICRCs of the packets compared. */
export interface IcrcCounts {
  valid: number;
  /** FLUSH packets that are right by rxe's rule only, see `computeRxeFlushIcrc`. */
  validRxeFlush: number;
  wrong: number;
  /** Not checkable, because the capture cut the packet short, or not checked. */
  unchecked: number;
}

/** Reads the RoCEv2 packets of a capture file one after the other, and counts what it leaves out. */
export class RoceReader {
  readonly file: FrameFile;
  readonly skips = new SkipLedger();
  readonly layers = new RoceFrame();
  readonly packet = new Packet();
  readonly icrc: IcrcCounts = { valid: 0, validRxeFlush: 0, wrong: 0, unchecked: 0 };
  /** Packets by BTH opcode. */
  readonly opcodes = new Float64Array(256);
  frames = 0;
  packets = 0;
  /** Frames that the capture cut short. */
  truncatedFrames = 0;
  /** Bytes the frames had on the wire. */
  wireBytes = 0;
  private readonly policy: IcrcPolicy;

  constructor(path: string, policy: IcrcPolicy) {
    this.file = new FrameFile(path);
    this.policy = policy;
  }

  get frame(): CapturedFrame {
    return this.file.frame;
  }

  /** Bytes of the payload that the capture holds; the rest of `packet.payloadLength` was cut. */
  get payloadCaptured(): number {
    const { packet, layers } = this;
    return Math.max(0, Math.min(packet.payloadLength, layers.capturedEnd - packet.payloadOffset));
  }

  /** Goes to the next packet, of whatever transport; false at the end. */
  next(): boolean {
    while (this.file.next()) {
      const reason = this.read();
      if (reason === undefined) return true;
      this.skips.add(reason, this.frame.number, this.frame.offset);
    }
    return false;
  }

  private read(): SkipReason | undefined {
    const { frame, layers, packet } = this;
    this.frames++;
    this.wireBytes += frame.originalLength;
    if (frame.end - frame.start < frame.originalLength) this.truncatedFrames++;
    if (!isSupportedLinkType(frame.linkType)) return 'link-type';
    const verdict = layers.parse(frame.bytes, frame.start, frame.end, frame.linkType);
    if (verdict !== 'roce') return verdict;
    const decoded = decodePacket(packet, frame.bytes, layers.bthOffset, layers.icrcOffset, layers.capturedEnd);
    if (decoded !== 'ok') return decoded;
    if (!this.icrcPasses()) return 'wrong-icrc';
    if (packet.transportVersion !== 0) return 'transport-version';
    this.opcodes[packet.opcode]++;
    this.packets++;
    return undefined;
  }

  private icrcPasses(): boolean {
    const { frame, layers, icrc } = this;
    if (this.policy === 'ignore' || layers.truncated) {
      icrc.unchecked++;
      return true;
    }
    switch (checkIcrc(frame.bytes, layers.ipOffset, layers.bthOffset, layers.icrcOffset)) {
      case 'valid':
        icrc.valid++;
        return true;
      case 'valid-rxe-flush':
        icrc.validRxeFlush++;
        return true;
      case 'wrong':
        icrc.wrong++;
        return false;
    }
  }
}
