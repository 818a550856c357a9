import type { CompletionRecord, HoldRecord, RequestRecord } from './request-record.js';

/** What waits in the queue. `open` entries hold back everything behind them. */
type QueueEntry = RequestRecord | CompletionRecord | HoldRecord;

/** A message may be open while this many requests and completions pass by on other queue pairs. */
const MAX_QUEUED_EVENTS = 65_536;
const MAX_QUEUED_PAYLOAD_BYTES = 1 << 27;

/**
 * Puts requests in the order of their first packets although they complete in another.
 *
 * Entries stand in frame order from the moment they begin; only ready ones at the head leave. The wait is bounded: past
 * either limit the head leaves as it is.
 */
export class EventQueue {
  /** Payload bytes allocated for requests that stand in the queue. */
  payloadBytes = 0;
  private entries: QueueEntry[] = [];
  private head = 0;

  /** Puts an entry where its frame belongs: at the end, but for what turns out late to have begun earlier. */
  add(entry: QueueEntry): void {
    let at = this.entries.length;
    while (at > this.head && this.entries[at - 1].frame > entry.frame) at--;
    if (at === this.entries.length) this.entries.push(entry);
    else this.entries.splice(at, 0, entry);
  }

  /** The entry that is next in order, if it is ready or must not wait any longer. */
  shift(): RequestRecord | CompletionRecord | undefined {
    while (this.head < this.entries.length) {
      const entry = this.entries[this.head];
      if (entry.state === 'open') {
        if (!this.full) return undefined;
        entry.giveUp();
        continue;
      }
      this.advance();
      if (entry.state === 'ready' && entry.kind !== 'hold') {
        if (entry.kind === 'request') this.leave(entry);
        return entry;
      }
    }
    return undefined;
  }

  private get full(): boolean {
    return this.entries.length - this.head > MAX_QUEUED_EVENTS || this.payloadBytes > MAX_QUEUED_PAYLOAD_BYTES;
  }

  private advance(): void {
    this.head++;
    if (this.head >= 1024 && this.head * 2 >= this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
  }

  private leave(request: RequestRecord): void {
    request.emitted = true;
    this.payloadBytes -= request.payload?.capacity ?? 0;
  }
}
