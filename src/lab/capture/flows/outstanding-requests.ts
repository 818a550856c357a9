import type { RequestRecord } from './request-record.js';

/** Without responses in the capture nothing is ever answered; past this the oldest is let go. */
const MAX_OUTSTANDING = 4096;

/** The requests of a flow that no response has ended yet, in PSN order. */
export class OutstandingRequests {
  private requests: RequestRecord[] = [];

  get isEmpty(): boolean {
    return this.requests.length === 0;
  }

  add(request: RequestRecord): void {
    if (this.requests.length >= MAX_OUTSTANDING) this.forget(this.requests.shift()!);
    const { requests } = this;
    let at = requests.length;
    while (at > 0 && requests[at - 1].firstPsn > request.firstPsn) at--;
    requests.splice(at, 0, request);
  }

  remove(request: RequestRecord): void {
    const at = this.requests.indexOf(request);
    if (at >= 0) this.requests.splice(at, 1);
  }

  /** The request whose PSNs include `psn`. */
  find(psn: number): RequestRecord | undefined {
    const { requests } = this;
    for (let i = 0; i < requests.length && requests[i].firstPsn <= psn; i++) {
      if (requests[i].lastPsn >= psn) return requests[i];
    }
    return undefined;
  }

  /** Hands over and forgets the requests up to `psn` that an ACK ends; those with a response of their own stay. */
  acknowledge(psn: number, done: (request: RequestRecord) => void): void {
    const { requests } = this;
    let kept = 0;
    let i = 0;
    for (; i < requests.length && requests[i].firstPsn <= psn; i++) {
      const request = requests[i];
      if (request.needsOwnResponse || request.state === 'open' || request.lastPsn > psn) requests[kept++] = request;
      else done(request);
    }
    if (kept === i) return;
    while (i < requests.length) requests[kept++] = requests[i++]!;
    requests.length = kept;
  }

  /** Hands over and forgets all that are left. */
  drain(done: (request: RequestRecord) => void): void {
    const left = this.requests;
    this.requests = [];
    for (const request of left) done(request);
  }

  /** Nothing will answer these any more. */
  abandon(): void {
    this.drain((request) => this.forget(request));
  }

  private forget(request: RequestRecord): void {
    if (request.complete) request.flow.unanswered++;
  }
}
