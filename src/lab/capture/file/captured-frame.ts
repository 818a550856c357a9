import type { CaptureDamage } from './capture-error.js';

/** What pcap and pcapng readers fill in for each frame; one object serves for a whole file. */
export class CapturedFrame {
  /** Counts from 1, as Wireshark does. */
  number = 0;
  /** File offset of the record that holds the frame. */
  offset = 0;
  linkType = 0;
  /** The stamp as it is in the file: seconds since 1970 and nanoseconds. */
  seconds = 0;
  nanoseconds = 0;
  /** False for a pcapng Simple Packet Block, which has no stamp. */
  stamped = true;
  /** Integer nanoseconds since the first frame of the file, never decreasing. */
  timeNs = 0;
  /** The captured bytes are `bytes[start, end)`; valid until the next frame is read. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Bytes the frame had on the wire; more than `end - start` when the capture's snaplen cut it. */
  originalLength = 0;
}

/** What the readers of the two formats have in common. */
export interface FrameReader {
  readonly format: 'pcap' | 'pcapng';
  /** Link types met so far, in order of appearance. */
  readonly linkTypes: readonly number[];
  readonly damage: CaptureDamage | undefined;
  /** Reads the next frame; false at the end of the file or at damage. */
  next(frame: CapturedFrame): boolean;
}
