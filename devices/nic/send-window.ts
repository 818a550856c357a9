import { SendQueue } from './send-queue.js';
import { psnAdd, psnDistance } from './wire/index.js';
import type { SendWqe } from './work-request.js';

/**
 * How far a requester has come with its requests (IBTA 9.7.2): what is posted, what has been sent, what is acknowledged,
 * what is finished, and the place from which it sends on, which goes back when something must be sent again.
 *
 * Acknowledged is not finished: a later acknowledgement covers a READ whose response was lost. Whoever waits for an
 * answer, or looks for the place to send from again, goes by what is finished.
 */
export class SendWindow {
  readonly queue = new SendQueue();
  /** PSN of the next packet to be sent. */
  sendPsn = 0;
  /** First PSN that was never sent: what lies before it is a retransmission. */
  freshPsn = 0;
  /** READs, atomics and other requests with a response of their own that are sent and not answered. */
  outstandingReads = 0;
  /** Next packet of the request that is being sent. */
  packetIndex = 0;

  /** Everything before this PSN has been accepted by the other side. */
  private unackedPsn = 0;
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

  /** PSN of the oldest packet that is not acknowledged, or whose response is missing. */
  get unfinishedPsn(): number {
    const oldest = this.queue.at(0);
    return oldest?.wantsResponse === true ? psnAdd(oldest.firstPsn, oldest.answered) : this.unackedPsn;
  }

  /** Packets sent and not finished. */
  get inFlight(): number {
    return psnDistance(this.unfinishedPsn, this.sendPsn);
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
    if (wqe.wantsResponse && !wqe.asked) {
      wqe.asked = true;
      this.outstandingReads++;
    }
    this.packetIndex += psns;
    if (this.packetIndex >= wqe.packets) {
      this.cursor++;
      this.packetIndex = 0;
    }
    return again;
  }

  /** Everything before `psn` has arrived. */
  acknowledged(psn: number): void {
    if (psnDistance(this.unackedPsn, psn) > 0) this.unackedPsn = psn;
  }

  /** True if everything before `psn` has arrived. */
  isAcknowledged(psn: number): boolean {
    return psnDistance(psn, this.unackedPsn) >= 0;
  }

  /** The oldest request is finished. */
  completeOldest(): void {
    const done = this.queue.at(0);
    if (done === undefined) return;
    this.queue.shift();
    this.forget(done);
    if (this.cursor > 0) this.cursor--;
    else this.leave(done);
  }

  /**
   * What is finished need not be sent, even if it was about to be sent again.
   * @returns `unfinishedPsn`
   */
  skipFinished(): number {
    const { unfinishedPsn } = this;
    if (psnDistance(this.sendPsn, unfinishedPsn) > 0) this.moveCursorTo(unfinishedPsn);
    return unfinishedPsn;
  }

  /** Sends again from `psn` on, which is not finished. */
  goBackTo(psn: number): void {
    this.moveCursorTo(psn);
    for (let i = this.cursor; ; i++) {
      const wqe = this.queue.at(i);
      if (wqe === undefined || !this.wasSent(wqe.firstPsn)) return;
      this.forget(wqe);
    }
  }

  /** The request that a PSN belongs to, if that was sent and is not finished. */
  outstanding(psn: number): SendWqe | undefined {
    if (psnDistance(this.unfinishedPsn, psn) < 0 || !this.wasSent(psn)) return undefined;
    return this.queue.at(this.queue.indexOf(psn));
  }

  /** True if a packet of that PSN was ever sent. */
  wasSent(psn: number): boolean {
    return psnDistance(psn, this.freshPsn) > 0;
  }

  /** The request at the cursor is finished before all of it was sent again. */
  private leave(done: SendWqe): void {
    this.packetIndex = 0;
    this.sendPsn = psnAdd(done.firstPsn, done.packets);
  }

  private forget(wqe: SendWqe): void {
    if (!wqe.asked) return;
    wqe.asked = false;
    this.outstandingReads--;
  }

  private moveCursorTo(psn: number): void {
    this.cursor = this.queue.indexOf(psn);
    const wqe = this.current;
    this.packetIndex = wqe === undefined ? 0 : Math.max(0, psnDistance(wqe.firstPsn, psn));
    this.sendPsn = psn;
  }
}
