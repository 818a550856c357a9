import type { Digest } from './digest.js';

/** Numbers a slot. */
const SLOT = 3;

/** A number of 32 bits for each of many digests, in one typed array. */
export class DigestMap {
  size = 0;

  private capacity = 1024;
  /** The halves of the digest, both 0 where a slot is free, and the value. */
  private slots = new Int32Array(SLOT * this.capacity);
  /** Slot that `find` looked at last. */
  private slot = 0;

  /** @returns true if the digest is in; `value` is then its own */
  find(digest: Digest): boolean {
    const { a } = digest;
    const b = secondHalf(digest);
    const { slots } = this;
    const mask = this.capacity - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const place = SLOT * slot;
      this.slot = place;
      if (slots[place] === a && slots[place + 1] === b) return true;
      if (slots[place] === 0 && slots[place + 1] === 0) return false;
    }
  }

  /** The value of the digest that was found. */
  get value(): number {
    return this.slots[this.slot + 2];
  }

  set value(value: number) {
    this.slots[this.slot + 2] = value;
  }

  /** Adds the digest that was not found. */
  add(digest: Digest, value: number): void {
    this.put(digest.a, secondHalf(digest), value);
    if (++this.size * 2 >= this.capacity) this.grow();
  }

  private put(a: number, b: number, value: number): void {
    this.slots[this.slot] = a;
    this.slots[this.slot + 1] = b;
    this.slots[this.slot + 2] = value;
  }

  private grow(): void {
    const old = this.slots;
    this.capacity *= 2;
    this.slots = new Int32Array(SLOT * this.capacity);
    for (let place = 0; place < old.length; place += SLOT) {
      const [a, b, value] = [old[place], old[place + 1], old[place + 2]];
      if (a === 0 && b === 0) continue;
      this.find({ a, b });
      this.put(a, b, value);
    }
  }
}

/** A slot of zeros is a free one. */
function secondHalf({ a, b }: Digest): number {
  return a === 0 && b === 0 ? 1 : b;
}
