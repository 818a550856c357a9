/** Why a frame, or the request it belongs to, is not among the results; the text is for reports. */
export const SKIP_TEXT = {
  'link-type': 'on an interface whose link type cannot carry RoCEv2',
  'not-ip': 'not IP',
  'not-udp-4791': 'not UDP to port 4791',
  'roce-v1': 'RoCEv1 (EtherType 0x8915)',
  fragment: 'IP fragment',
  'truncated-headers': 'cut by the capture inside the headers',
  'bad-length': 'length fields contradict each other',
  'wrong-icrc': 'wrong ICRC, as a NIC drops it',
  'unknown-opcode': 'unknown opcode',
  'transport-version': 'transport header version other than 0',
  'unsupported-transport': 'transport other than RC',
  cm: 'connection management (UD to QP 1)',
  cnp: 'congestion notification (CNP)',
  'inside-message': 'inside a message whose beginning was not captured',
  'contradictory-request': 'request contradicts itself',
  'stray-psn': 'PSN unrelated to its queue pair',
  'after-fatal-nak': 'sent after the queue pair had failed',
  'unmatched-response': 'response without a request in the capture',
  'reserved-syndrome': 'reserved AETH syndrome',
  'too-many-flows': 'on a queue pair beyond the limit of the reader',
} as const;

/** Why a frame of a capture counts for nothing. */
export type SkipReason = keyof typeof SKIP_TEXT;

/** How often something was left out for one reason, and where that happened first. */
export interface Skip {
  readonly reason: SkipReason;
  readonly count: number;
  readonly firstFrame: number;
  /** File offset of the record of `firstFrame`. */
  readonly firstOffset: number;
  /** What was wrong the first time, where the reason alone does not say it. */
  readonly detail: string | undefined;
}

interface Entry {
  count: number;
  firstFrame: number;
  firstOffset: number;
  detail: string | undefined;
}

/** Counts what is left out, by reason. */
export class SkipLedger {
  private readonly entries = new Map<SkipReason, Entry>();

  /** `detail` is asked for only the first time a reason occurs. */
  add(reason: SkipReason, frame: number, offset: number, detail?: () => string): void {
    const entry = this.entries.get(reason);
    if (entry !== undefined) entry.count++;
    else this.entries.set(reason, { count: 1, firstFrame: frame, firstOffset: offset, detail: detail?.() });
  }

  /** The most frequent first. */
  list(): Skip[] {
    return [...this.entries].map(([reason, entry]) => ({ reason, ...entry })).sort((a, b) => b.count - a.count);
  }
}
