import type { StateSink } from '../../engine/index.js';

/** A hash of 64 bits, in two halves. Equal states have equal digests; two states with the same one are taken for one. */
export interface Digest {
  readonly a: number;
  readonly b: number;
}

export const NO_DIGEST: Digest = { a: 0, b: 0 };

/** Makes digests of what is added to it. */
export class Digester implements StateSink {
  private a = 0;
  private b = 0;
  private readonly double = new Float64Array(1);
  private readonly halves = new Int32Array(this.double.buffer);

  /** @param processOf the process behind a task's id: ids depend on the schedule */
  constructor(private readonly processOf: (task: number) => number) {}

  /** Begins anew. */
  start(seed: number): this {
    this.a = Math.imul(seed, 0x9e3779b1) ^ 0x243f6a88;
    this.b = Math.imul(seed, 0x85ebca77) ^ 0x13198a2e;
    return this;
  }

  add(value: number): void {
    if ((value | 0) === value) {
      this.mix(value);
      return;
    }
    this.double[0] = value;
    this.mix(this.halves[0]);
    this.mix(this.halves[1]);
  }

  text(value: string): void {
    this.mix(value.length);
    for (let i = 0; i < value.length; i++) this.mix(value.charCodeAt(i));
  }

  task(id: number): void {
    this.mix(id < 0 ? -1 : this.processOf(id));
  }

  digest({ a, b }: Digest): void {
    this.mix(a);
    this.mix(b);
  }

  /** The digest of what was added since the start. */
  end(): Digest {
    return { a: finished(this.a), b: finished(this.b) };
  }

  private mix(value: number): void {
    const a = Math.imul(this.a ^ value, 0xcc9e2d51);
    this.a = ((a << 13) | (a >>> 19)) + 0x6d2b79f5;
    const b = Math.imul(this.b + value, 0x1b873593);
    this.b = ((b << 17) | (b >>> 15)) ^ Math.imul(value, 0x27d4eb2f);
  }
}

/** murmur3's finalizer. */
function finished(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
