/**
 * Which write each byte of a span comes from: a piecewise constant function over [0, length), kept as the starts of
 * its runs and their stamps. Neighbouring runs never share a stamp.
 */
export class StampRuns {
  private readonly starts: number[] = [0];
  private readonly stamps: number[];

  constructor(
    private readonly length: number,
    stamp: number,
  ) {
    this.stamps = [stamp];
  }

  /** True if the whole span has one stamp. */
  get uniform(): boolean {
    return this.starts.length === 1;
  }

  at(offset: number): number {
    return this.stamps[this.runAt(offset)];
  }

  /** Sets [from, to) to `stamp`. */
  set(from: number, to: number, stamp: number): void {
    if (from >= to) return;
    const { starts, stamps } = this;
    const first = this.runAt(from);
    const last = this.runAt(to - 1);
    const lastEnd = last + 1 < starts.length ? starts[last + 1] : this.length;
    const newStarts: number[] = [];
    const newStamps: number[] = [];
    const append = (start: number, value: number): void => {
      const previous = newStamps.length > 0 ? newStamps[newStamps.length - 1] : first > 0 ? stamps[first - 1] : -1;
      if (previous === value) return;
      newStarts.push(start);
      newStamps.push(value);
    };
    if (starts[first] < from) append(starts[first], stamps[first]);
    append(from, stamp);
    let replaced = last - first + 1;
    if (to < lastEnd) append(to, stamps[last]);
    else if (last + 1 < starts.length && stamps[last + 1] === stamp) replaced++;
    starts.splice(first, replaced, ...newStarts);
    stamps.splice(first, replaced, ...newStamps);
  }

  /** Calls `visit` for the runs of [from, to), clipped to it, in order. */
  forEach(from: number, to: number, visit: (start: number, end: number, stamp: number) => void): void {
    const { starts, stamps } = this;
    for (let run = this.runAt(from); run < starts.length && starts[run] < to; run++) {
      const end = run + 1 < starts.length ? starts[run + 1] : this.length;
      visit(Math.max(starts[run], from), Math.min(end, to), stamps[run]);
    }
  }

  private runAt(offset: number): number {
    const { starts } = this;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
