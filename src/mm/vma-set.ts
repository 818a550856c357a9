import type { Vma } from './vma.js';

/** The mappings of an mm in order of address, without overlap: Linux's maple tree, as a sorted array. */
export class VmaSet {
  private readonly vmas: Vma[] = [];
  private lastHit: Vma | null = null;

  get size(): number {
    return this.vmas.length;
  }

  /** vma_lookup: the mapping that holds an address. */
  at(address: number): Vma | null {
    const { lastHit } = this;
    if (lastHit !== null && lastHit.start <= address && address < lastHit.end) return lastHit;
    const vma = this.vmas.at(this.firstEndingAfter(address));
    if (vma === undefined || vma.start > address || vma.end <= address) return null;
    this.lastHit = vma;
    return vma;
  }

  /** The mappings that share an address with [start, end), in order. */
  overlapping(start: number, end: number): Vma[] {
    const found: Vma[] = [];
    for (let i = this.firstEndingAfter(start); i < this.vmas.length && this.vmas[i].start < end; i++) {
      found.push(this.vmas[i]);
    }
    return found;
  }

  /** The last mapping that ends at or before `address`. */
  before(address: number): Vma | null {
    const index = this.firstEndingAfter(address) - 1;
    return index >= 0 ? this.vmas[index] : null;
  }

  /** The first mapping that starts at or after `address`. */
  after(address: number): Vma | null {
    const index = this.firstEndingAfter(address);
    const vma = this.vmas.at(index);
    if (vma === undefined) return null;
    return vma.start >= address ? vma : (this.vmas.at(index + 1) ?? null);
  }

  insert(vma: Vma): void {
    this.vmas.splice(this.firstEndingAfter(vma.start), 0, vma);
  }

  remove(vma: Vma): void {
    const index = this.firstEndingAfter(vma.start);
    if (this.vmas[index] === vma) this.vmas.splice(index, 1);
    this.lastHit = null;
  }

  /** A mapping's start or end changed in place. */
  changed(): void {
    this.lastHit = null;
  }

  [Symbol.iterator](): IterableIterator<Vma> {
    return this.vmas[Symbol.iterator]();
  }

  /** Index of the first mapping that ends after `address`; the number of mappings if none does. */
  private firstEndingAfter(address: number): number {
    const { vmas } = this;
    let low = 0;
    let high = vmas.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (vmas[middle].end > address) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
