/** Virtual time is counted in integer nanoseconds held in a JS number: exact up to 2^53 ns, which is 104 days. */
export const US = 1_000;
/** A millisecond in ns. */
export const MS = 1_000_000;
/** A second in ns. */
export const SEC = 1_000_000_000;

/** Prints a duration with the unit a reader would choose: `850 ns`, `16.9 us`, `1.28 ms`, `30 s`. */
export function formatNs(ns: number): string {
  if (ns < US) return `${String(ns)} ns`;
  if (ns < MS) return `${trimmed(ns / US)} us`;
  if (ns < SEC) return `${trimmed(ns / MS)} ms`;
  return `${trimmed(ns / SEC)} s`;
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(4)));
}
