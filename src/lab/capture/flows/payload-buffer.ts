/** A hole is filled with zeros up to this size, or this many times what the message has come to; a larger one ends it. */
const HOLE_BYTES = 1 << 16;
const HOLE_FACTOR = 8;

/** Room made for each byte that has arrived. */
const GROWTH = 4;

/**
 * The payload of one message as its packets arrive. It grows with what arrives, never with what a header announces, so a
 * WRITE of 2 GiB without its packets costs nothing.
 */
export class PayloadBuffer {
  /** Captured bytes among those that {@link take} returns; the others are zeros in holes. */
  held = 0;
  private bytes = new Uint8Array(0);
  private used = 0;
  /** Bytes the message has come to, whether held or not; once they differ from `used`, nothing more is kept. */
  private reached = 0;

  /** `expected`: bytes the whole message is said to have; no more than that is allocated. */
  constructor(private readonly expected: number) {}

  /** Bytes allocated. */
  get capacity(): number {
    return this.bytes.length;
  }

  /** The next `length` bytes of the message, of which the capture holds `captured` at `source[offset…]`. */
  append(source: Uint8Array | null, offset: number, captured: number, length: number): void {
    if (this.reached === this.used && source !== null) {
      this.reserve(this.used + length);
      this.bytes.set(source.subarray(offset, offset + captured), this.used);
      this.used += length;
      this.held += captured;
    }
    this.reached += length;
  }

  /** The next `length` bytes are on no captured packet. */
  hole(length: number): void {
    if (length <= Math.max(HOLE_BYTES, HOLE_FACTOR * this.used) && this.reached === this.used) {
      this.reserve(this.used + length);
      this.used += length;
    }
    this.reached += length;
  }

  /** What there is, with holes as zeros. The buffer must not be appended to afterwards. */
  take(): Uint8Array {
    return this.used === this.bytes.length ? this.bytes : this.bytes.subarray(0, this.used);
  }

  private reserve(length: number): void {
    if (length <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(length, Math.min(this.expected, length * GROWTH)));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
  }
}
