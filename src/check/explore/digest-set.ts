import type { Digest } from './digest.js';

/** A set of digests in one typed array. */
export class DigestSet {
  size = 0;

  private capacity = 1024;
  /** Two numbers a digest; both 0: free. */
  private slots = new Int32Array(2 * this.capacity);

  /** @returns false if it was in already */
  add({ a, b }: Digest): boolean {
    if (this.size * 2 >= this.capacity) this.grow();
    return this.insert(a, b === 0 && a === 0 ? 1 : b);
  }

  private insert(a: number, b: number): boolean {
    const { slots } = this;
    const mask = this.capacity - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      if (slots[2 * slot] === 0 && slots[2 * slot + 1] === 0) {
        slots[2 * slot] = a;
        slots[2 * slot + 1] = b;
        this.size++;
        return true;
      }
      if (slots[2 * slot] === a && slots[2 * slot + 1] === b) return false;
    }
  }

  private grow(): void {
    const old = this.slots;
    this.capacity *= 2;
    this.slots = new Int32Array(2 * this.capacity);
    this.size = 0;
    for (let i = 0; i < old.length; i += 2) if (old[i] !== 0 || old[i + 1] !== 0) this.insert(old[i], old[i + 1]);
  }
}
