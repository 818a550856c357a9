/** A stretch of a capture in which no request began. */
export interface Silence {
  readonly fromNs: number;
  readonly toNs: number;
}

/** Shorter ones are not worth a word. */
const LONG_NS = 60_000_000_000;

/** Notes the long silences of a capture, the one before its first request among them. */
export class Silences {
  readonly list: Silence[] = [];
  private lastNs = 0;

  /** A request begins; in the order of the capture. */
  note(timeNs: number): void {
    if (timeNs - this.lastNs > LONG_NS) this.list.push({ fromNs: this.lastNs, toNs: timeNs });
    this.lastNs = Math.max(this.lastNs, timeNs);
  }
}
