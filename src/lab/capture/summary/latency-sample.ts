import { quantileSorted } from 'simple-statistics';

/** Latencies as the capture shows them, in nanoseconds from the first packet of a request to the response that ended it. */
export interface LatencySummary {
  readonly count: number;
  readonly minNs: number;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p90Ns: number;
  readonly p99Ns: number;
  readonly p999Ns: number;
  readonly maxNs: number;
  /** The quantiles come from every n-th latency. */
  readonly everyNth: number;
}

const MAX_KEPT = 1 << 16;

/** Keeps enough latencies for quantiles in bounded memory: when full, every other one goes, and from then on comes. */
export class LatencySample {
  private kept: number[] = [];
  private stride = 1;
  private count = 0;
  private sum = 0;
  private min = Infinity;
  private max = 0;

  add(ns: number): void {
    if (this.count++ % this.stride === 0) {
      if (this.kept.length === MAX_KEPT) {
        this.kept = this.kept.filter((_, i) => i % 2 === 0);
        this.stride *= 2;
      }
      this.kept.push(ns);
    }
    this.sum += ns;
    if (ns < this.min) this.min = ns;
    if (ns > this.max) this.max = ns;
  }

  /** Undefined without a single latency. */
  summary(): LatencySummary | undefined {
    if (this.count === 0) return undefined;
    const sorted = this.kept.slice().sort((a, b) => a - b);
    return {
      count: this.count,
      minNs: this.min,
      meanNs: this.sum / this.count,
      p50Ns: quantileSorted(sorted, 0.5),
      p90Ns: quantileSorted(sorted, 0.9),
      p99Ns: quantileSorted(sorted, 0.99),
      p999Ns: quantileSorted(sorted, 0.999),
      maxNs: this.max,
      everyNth: this.stride,
    };
  }
}
