import type { Vma } from './vma.js';

/** The mappings in which one family of anonymous pages may appear: Linux's struct anon_vma. */
export class AnonVma {
  readonly vmas = new Set<Vma>();

  /** @internal made by MmSystem.newAnonVma */
  constructor(
    /** Number by which frames name their owner, never reused. */
    readonly id: number,
    /** linear_page_index from which its frames count their indices, so that these fit 32 bits. */
    readonly base: number,
  ) {}
}
