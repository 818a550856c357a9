/**
 * How the benchmarks measure: subject and reference take turns in one process, after a warm-up, and the medians count.
 * What is printed is the ratio; absolute figures are for orientation only.
 */

/** One figure beside its reference. */
export interface Figure {
  readonly id: string;
  readonly what: string;
  readonly unit: string;
  readonly subject: number;
  readonly reference: number;
  /** What the reference is. */
  readonly referenceIs: string;
  /** subject / reference */
  readonly ratio: number;
  /** The bound that the project promises, on the ratio. */
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
  readonly met: boolean;
}

/** Nanoseconds that `run` takes. */
export function timed(run: () => void): number {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians of `rounds` alternating measurements, after `warmUp` that do not count. */
export function alternate(
  subject: () => number,
  reference: () => number,
  rounds: number,
  warmUp: number,
): { readonly subject: number; readonly reference: number } {
  const subjects: number[] = [];
  const references: number[] = [];
  for (let round = -warmUp; round < rounds; round++) {
    const a = reference();
    const b = subject();
    if (round < 0) continue;
    references.push(a);
    subjects.push(b);
  }
  return { subject: median(subjects), reference: median(references) };
}

export function figure(values: Omit<Figure, 'ratio' | 'met'>): Figure {
  const ratio = values.subject / values.reference;
  const { bound } = values;
  return { ...values, ratio, met: 'atMost' in bound ? ratio <= bound.atMost : ratio >= bound.atLeast };
}
