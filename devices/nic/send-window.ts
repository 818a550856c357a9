import { SendQueue } from './send-queue.js';
import { psnAdd, psnDistance } from './wire/index.js';
import type { SendWqe } from './work-request.js';

/**
 * How far a requester has come with its requests (IBTA 9.7.2): what is posted, what has been sent, what is acknowledged,
 * and the place from which it sends on, which goes back when something must be sent again.
 */
export class SendWindow {
  readonly queue = new SendQueue();
  /** PSN of the next packet to be sent. */
  sendPsn = 0;
  /** PSN of the oldest packet that is not acknowledged. */
  unackedPsn = 0;
  /** First PSN that was never sent: what lies before it is a retransmission. */
  freshPsn = 0;
  /** READs, atomics and other requests with a response of their own that are sent and not answered. */
  outstandingReads = 0;
  /** Next packet of the request that is being sent. */
  packetIndex = 0;

  /** PSN of the next request to be posted. */
  private postPsn = 0;
  /** Place in the queue of the request that is being sent. */
  private cursor = 0;

  start(psn: number): void {
    this.postPsn = psn;
    this.sendPsn = psn;
    this.unackedPsn = psn;
    this.freshPsn = psn;
  }

  /** The request that is being sent, undefined if there is nothing to send. */
  get current(): SendWqe | undefined {
    return this.queue.at(this.cursor);
  }

  /** Packets sent and not acknowledged. */
  get inFlight(): number {
    return psnDistance(this.unackedPsn, this.sendPsn);
  }

  /** Puts a request at the end of the queue; it takes `packets` PSNs. */
  post(wqe: SendWqe, packets: number): void {
    wqe.firstPsn = this.postPsn;
    wqe.packets = packets;
    this.postPsn = psnAdd(this.postPsn, packets);
    this.queue.push(wqe);
  }

  /**
   * Counts the packet at the cursor, or a run of that many, as sent.
   * @returns true if it had been sent before
   */
  sent(wqe: SendWqe, run: number): boolean {
    const psn = psnAdd(wqe.firstPsn, this.packetIndex);
    const psns = wqe.wantsResponse ? wqe.packets - this.packetIndex : run;
    const again = psnDistance(this.freshPsn, psn) < 0;
    this.sendPsn = psnAdd(psn, psns);
    if (psnDistance(this.freshPsn, this.sendPsn) > 0) this.freshPsn = this.sendPsn;
    if (wqe.wantsResponse) this.outstandingReads++;
    this.packetIndex += psns;
    if (this.packetIndex >= wqe.packets) {
      this.cursor++;
      this.packetIndex = 0;
    }
    return again;
  }

  /**
   * Everything before `psn` has arrived.
   * @returns true if that is news
   */
  acknowledged(psn: number): boolean {
    if (psnDistance(this.unackedPsn, psn) <= 0) return false;
    this.unackedPsn = psn;
    // What is acknowledged need not be sent, even if it was about to be sent again.
    if (psnDistance(this.sendPsn, psn) > 0) this.moveCursorTo(psn);
    return true;
  }

  /** The oldest request is finished. */
  completeOldest(): void {
    this.queue.shift();
    this.cursor = Math.max(0, this.cursor - 1);
  }

  /** Sends again from `psn` on. */
  goBackTo(psn: number): void {
    this.moveCursorTo(psn);
    this.outstandingReads = 0;
    for (let i = 0; i < this.cursor; i++) {
      const wqe = this.queue.at(i);
      if (wqe?.wantsResponse === true && !wqe.responded) this.outstandingReads++;
    }
  }

  /** True if the packet of that PSN was sent and is not acknowledged. */
  isOutstanding(psn: number): boolean {
    return psnDistance(this.unackedPsn, psn) >= 0 && psnDistance(psn, this.freshPsn) > 0;
  }

  /** True if a packet of that PSN was ever sent. */
  wasSent(psn: number): boolean {
    return psnDistance(psn, this.freshPsn) > 0;
  }

  private moveCursorTo(psn: number): void {
    this.cursor = this.queue.indexOf(psn);
    const wqe = this.current;
    this.packetIndex = wqe === undefined ? 0 : Math.max(0, psnDistance(wqe.firstPsn, psn));
    this.sendPsn = psn;
  }
}
