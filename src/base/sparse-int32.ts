import { LEAF_MASK, LEAF_SHIFT, PTRS_PER_PTE } from './page.js';

/** An array of 32-bit integers, 0 where nothing was set, that costs memory only around what was: 2 KiB per 512. */
export class SparseInt32 {
  private readonly leaves: (Int32Array | undefined)[] = [];

  constructor(readonly length: number) {}

  get(index: number): number {
    const leaf = this.leaves[index >>> LEAF_SHIFT];
    return leaf === undefined ? 0 : leaf[index & LEAF_MASK];
  }

  set(index: number, value: number): void {
    let leaf = this.leaves[index >>> LEAF_SHIFT];
    if (leaf === undefined) {
      if (value === 0) return;
      leaf = new Int32Array(PTRS_PER_PTE);
      this.leaves[index >>> LEAF_SHIFT] = leaf;
    }
    leaf[index & LEAF_MASK] = value;
  }

  /** Calls `visit` for every element of [from, to) that is not 0, in order. The visitor may change that element. */
  forEach(from: number, to: number, visit: (index: number, value: number) => void): void {
    for (let index = from; index < to;) {
      const leafEnd = Math.min(to, ((index >>> LEAF_SHIFT) + 1) << LEAF_SHIFT);
      const leaf = this.leaves[index >>> LEAF_SHIFT];
      if (leaf !== undefined) {
        for (; index < leafEnd; index++) if (leaf[index & LEAF_MASK] !== 0) visit(index, leaf[index & LEAF_MASK]);
      }
      index = leafEnd;
    }
  }

  /** Sets [from, to) to 0. Returns how many elements were not. */
  clear(from: number, to: number): number {
    let cleared = 0;
    this.forEach(from, to, (index) => {
      this.leaves[index >>> LEAF_SHIFT]?.fill(0, index & LEAF_MASK, (index & LEAF_MASK) + 1);
      cleared++;
    });
    return cleared;
  }
}
