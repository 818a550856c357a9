import type { Silence } from '../capture/index.js';

/** A silence as the replay has it: it begins at `fromNs`, and `cutNs` of it are left out. */
interface Cut {
  readonly fromNs: number;
  readonly cutNs: number;
  /** What the cuts up to this one leave out in all. */
  readonly totalNs: number;
}

/**
 * Captured times as times of the replay, in ns from its start: long silences are shortened. When every page has been
 * written back and every timer has run out, nothing happens any more until the next request comes.
 */
export class ReplayClock {
  private readonly cuts: readonly Cut[];

  /** @param longest silence that is kept as it is */
  constructor(
    silences: readonly Silence[],
    private readonly longest: number,
  ) {
    let totalNs = 0;
    this.cuts = silences
      .filter(({ fromNs, toNs }) => toNs - fromNs > longest)
      .map(({ fromNs, toNs }) => {
        const cutNs = toNs - fromNs - longest;
        totalNs += cutNs;
        return { fromNs, cutNs, totalNs };
      });
  }

  /** What is left out in all. */
  get shortenedNs(): number {
    return this.cuts.at(-1)?.totalNs ?? 0;
  }

  at(capturedNs: number): number {
    let low = 0;
    let high = this.cuts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.cuts[middle].fromNs < capturedNs) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return capturedNs;
    const { fromNs, cutNs, totalNs } = this.cuts[low - 1];
    const into = capturedNs - fromNs;
    return capturedNs - (totalNs - cutNs) - Math.min(cutNs, Math.max(0, into - this.longest));
  }
}
