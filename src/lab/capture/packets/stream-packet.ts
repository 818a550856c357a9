import { Packet } from '../../../../devices/nic/wire/index.js';
import type { RoceReader } from './roce-reader.js';

/** A packet of the capture with the place and time it came from. */
export class StreamPacket {
  readonly packet: Packet;
  /** Bytes of the payload that the capture holds. */
  payloadCaptured = 0;
  frame = 0;
  /** File offset of the frame's record. */
  offset = 0;
  timeNs = 0;
  /** UDP source port. */
  sourcePort = 0;

  constructor(packet = new Packet()) {
    this.packet = packet;
  }

  /** Takes place and time from the reader's current frame, whose packet this one wraps. */
  follow(reader: RoceReader): this {
    this.payloadCaptured = reader.payloadCaptured;
    this.frame = reader.frame.number;
    this.offset = reader.frame.offset;
    this.timeNs = reader.frame.timeNs;
    this.sourcePort = reader.layers.sourcePort;
    return this;
  }

  /** A copy that outlives the reader's window; it holds the payload only on demand. */
  keep(withPayload: boolean): StreamPacket {
    const kept = new StreamPacket(new Packet().copyFrom(this.packet));
    const { payload, payloadOffset } = this.packet;
    kept.payloadCaptured = this.payloadCaptured;
    kept.frame = this.frame;
    kept.offset = this.offset;
    kept.timeNs = this.timeNs;
    kept.sourcePort = this.sourcePort;
    kept.packet.payload =
      withPayload && payload !== null ? payload.slice(payloadOffset, payloadOffset + this.payloadCaptured) : null;
    kept.packet.payloadOffset = 0;
    return kept;
  }

  /** Bytes that {@link keep} made it hold. */
  get heldBytes(): number {
    return this.packet.payload?.length ?? 0;
  }
}
