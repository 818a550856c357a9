import type { CapturedRequest } from '../capture/index.js';

/** Why a request of the capture was not posted; the text is for reports. */
export const NOT_POSTED_TEXT = {
  'no-memory': 'to a key whose memory could not be laid out',
  'read-budget': 'READ of more data than a capture of this size can stand for',
  refused: 'that the captured responder refused',
} as const;

/** Why a request of a capture was not posted. */
export type NotPostedReason = keyof typeof NOT_POSTED_TEXT;

/** Requests that were left out for one reason, and where the first of them is in the capture. */
export interface NotPosted {
  readonly reason: NotPostedReason;
  readonly count: number;
  readonly firstFrame: number;
  readonly firstOffset: number;
}

/** Counts what is left out, by reason. */
export class NotPostedLedger {
  private readonly entries = new Map<NotPostedReason, NotPosted>();

  add(reason: NotPostedReason, { frame, offset }: CapturedRequest): void {
    const entry = this.entries.get(reason) ?? { reason, count: 0, firstFrame: frame, firstOffset: offset };
    this.entries.set(reason, { ...entry, count: entry.count + 1 });
  }

  list(): NotPosted[] {
    return [...this.entries.values()];
  }
}
