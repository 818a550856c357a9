/** A first-in first-out queue of 32-bit integers in a ring that doubles when full: task ids that are ready or waiting. */
export class IntQueue {
  /** Number of entries. */
  length = 0;

  private ring: Int32Array;
  private mask: number;
  private head = 0;

  /** @param capacity initial room, a power of two */
  constructor(capacity = 4) {
    this.ring = new Int32Array(capacity);
    this.mask = capacity - 1;
  }

  push(value: number): void {
    if (this.length > this.mask) this.grow();
    this.ring[(this.head + this.length++) & this.mask] = value;
  }

  /** Removes and returns the oldest entry. The queue must not be empty. */
  shift(): number {
    const value = this.ring[this.head];
    this.head = (this.head + 1) & this.mask;
    this.length--;
    return value;
  }

  /** Entry number `index`, 0 being the oldest. */
  at(index: number): number {
    return this.ring[(this.head + index) & this.mask];
  }

  /** Removes entry number `index` and returns it; the others keep their order. */
  removeAt(index: number): number {
    const value = this.at(index);
    for (let i = index; i > 0; i--) this.ring[(this.head + i) & this.mask] = this.at(i - 1);
    this.shift();
    return value;
  }

  /** Removes the oldest entry equal to `value`; false if there is none. */
  remove(value: number): boolean {
    for (let i = 0; i < this.length; i++) {
      if (this.at(i) === value) {
        this.removeAt(i);
        return true;
      }
    }
    return false;
  }

  private grow(): void {
    const larger = new Int32Array(this.ring.length * 2);
    for (let i = 0; i < this.length; i++) larger[i] = this.at(i);
    this.ring = larger;
    this.mask = larger.length - 1;
    this.head = 0;
  }
}
