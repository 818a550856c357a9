import { WC_OPCODE } from './completion-queue.js';
import { Gather } from './gather.js';
import { localFault, localKey } from './local-fault.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import { buildRequest } from './request-packets.js';
import { acceptResponse, isResponseTo } from './response-data.js';
import { RetryClock, type RetryAttributes, type RetryListener } from './retry-clock.js';
import { asksForAck, runLength } from './send-run.js';
import { SendWindow } from './send-window.js';
import { NakCode, Opcode, aethKind, aethValue, psnAdd, psnCount, psnDistance } from './wire/index.js';
import { NAK_STATUS, type WcStatus } from './wc-status.js';
import { SendWqe, type SendWorkRequest } from './work-request.js';

/** What a connected requester goes by. */
export interface RequesterAttributes extends RetryAttributes {
  readonly pathMtu: number;
  readonly sqPsn: number;
  readonly maxRdAtomic: number;
}

/**
 * The sending half of an RC queue pair (IBTA 9.7): cuts messages into packets, keeps them until they are acknowledged,
 * and sends them again from the first missing one after a sequence NAK, an RNR wait or an ACK timeout.
 */
export class Requester implements RetryListener {
  private readonly window = new SendWindow();
  private readonly clock: RetryClock;
  private readonly gather: Gather;
  private attr!: RequesterAttributes;
  /** PSN of the response that was asked for again; -1 if none is missing. */
  private missingPsn = -1;
  /** The other side was not ready: nothing is sent until its timer is over, whatever else comes meanwhile. */
  private rnrWait = false;

  constructor(private readonly qp: QueuePair) {
    this.clock = new RetryClock(qp.nic.simulation, qp.toString(), this);
    this.gather = new Gather(qp, {
      resume: () => {
        this.pump();
      },
      fail: (wqe) => {
        this.fail(wqe, 'IBV_WC_LOC_PROT_ERR');
      },
    });
  }

  start(attr: RequesterAttributes): void {
    this.attr = attr;
    this.window.start(attr.sqPsn);
    this.clock.start(attr);
  }

  post(request: SendWorkRequest): void {
    const wqe = new SendWqe(request, localKey(request, this.qp.nic.mkeys));
    if (this.qp.state === 'ERR') {
      this.complete(wqe, 'IBV_WC_WR_FLUSH_ERR');
      return;
    }
    const fillsPackets = wqe.opcode === 'SEND' || wqe.opcode === 'RDMA_WRITE' || wqe.opcode === 'RDMA_READ';
    this.window.post(wqe, fillsPackets ? psnCount(wqe.length, this.attr.pathMtu) : 1);
    const fault = localFault(wqe);
    if (fault === null) this.pump();
    else this.fail(wqe, fault);
  }

  /** A response. The caller gives the packet back. */
  receive(packet: NicPacket): void {
    if (packet.opcode === Opcode.RC_ACKNOWLEDGE) this.onAcknowledge(packet);
    else if (this.window.wasSent(packet.psn)) this.onResponse(packet);
    this.pump();
  }

  /** Completes everything that is left with a flush error. */
  flush(): void {
    const { window } = this;
    this.clock.stop();
    this.qp.remote?.nic.memory.contents.settle();
    for (let wqe = window.queue.at(0); wqe !== undefined; wqe = window.queue.at(0)) {
      window.completeOldest();
      this.complete(wqe, 'IBV_WC_WR_FLUSH_ERR');
    }
  }

  /**
   * Sends one packet if one may be sent now. Called when it is this queue pair's turn on the link.
   * @returns true if it sent one and has more
   */
  sendNext(): boolean {
    const { window } = this;
    const wqe = window.current;
    // A request that failed on this side is never sent, nor is what is behind it: it completes when its turn comes.
    if (wqe === undefined || wqe.failure !== null || this.excused || this.qp.state !== 'RTS') return false;
    const { inFlight } = window;
    if (inFlight > 0 && inFlight + (wqe.wantsResponse ? wqe.packets : 1) > this.qp.nic.profile.maxUnackedPackets)
      return false;
    if (wqe.wantsResponse && window.outstandingReads >= this.attr.maxRdAtomic) return false;
    return this.sendPacket(wqe) && window.current !== undefined;
  }

  /** RetryListener. */
  get awaitsAck(): boolean {
    return this.window.inFlight > 0;
  }

  /** RetryListener. */
  get excused(): boolean {
    return this.rnrWait || this.gather.faulting;
  }

  /** RetryListener. */
  get idle(): boolean {
    return this.window.queue.length === 0;
  }

  /** RetryListener. */
  timedOut(): void {
    this.qp.nic.stats.timeouts++;
    this.missingPsn = -1;
    this.tryAgain();
    this.pump();
  }

  /** RetryListener. */
  rnrWaitOver(): void {
    this.rnrWait = false;
    this.pump();
  }

  /** Asks for a turn if there may be something to send. */
  private pump(): void {
    if (this.window.current !== undefined) this.qp.nic.schedule(this.qp);
  }

  /** Sends the packet at the cursor. False if its data is not there yet. */
  private sendPacket(wqe: SendWqe): boolean {
    const { qp, window } = this;
    const { pathMtu } = this.attr;
    const index = window.packetIndex;
    let gathered: Uint8Array | null = null;
    if (wqe.mkey !== null && wqe.carriesData && wqe.length > 0) {
      const offset = index * pathMtu;
      const length = Math.min(pathMtu, wqe.length - offset);
      gathered = this.gather.fetch(wqe, wqe.mkey, index, wqe.localAddress + offset, length);
      if (gathered === null) return false;
      this.gather.drop();
    }
    const run = runLength(wqe, index, window, qp.nic);
    const packet = qp.nic.pool.take();
    packet.run = run;
    buildRequest(packet, wqe, index, pathMtu, gathered);
    packet.psn = psnAdd(wqe.firstPsn, index);
    packet.mark = wqe.mark;
    packet.ackReq = asksForAck(wqe, index);
    const first = window.inFlight === 0;
    if (window.sent(wqe, run)) qp.nic.stats.retransmits += run;
    this.clock.sent(first);
    qp.send(packet);
    return true;
  }

  private onAcknowledge(packet: NicPacket): void {
    const { psn, syndrome } = packet;
    switch (aethKind(syndrome)) {
      case 'ACK':
        if (this.window.wasSent(psn)) this.acknowledgeBefore(psnAdd(psn, 1));
        return;
      case 'RNR NAK':
        this.onRnrNak(psn, aethValue(syndrome));
        return;
      case 'NAK':
        this.onNak(psn, aethValue(syndrome));
        return;
      case 'reserved':
    }
  }

  /** Everything before `psn` has been accepted. Requests that want a response complete only with it. */
  private acknowledgeBefore(psn: number): void {
    const { window } = this;
    const before = window.unfinishedPsn;
    window.acknowledged(psn);
    let wqe = window.queue.at(0);
    for (; wqe !== undefined && wqe.failure === null; wqe = window.queue.at(0)) {
      const end = psnAdd(wqe.firstPsn, wqe.packets);
      if (wqe.wantsResponse && wqe.answered < wqe.packets) {
        // What is acknowledged now came after this response was sent; it did not come.
        if (psnDistance(end, psn) >= 0) this.askAgain();
        break;
      }
      if (!window.isAcknowledged(end)) break;
      window.completeOldest();
      this.complete(wqe, 'IBV_WC_SUCCESS');
    }
    if (psnDistance(before, window.skipFinished()) > 0) this.clock.progressed();
    if (wqe !== undefined) this.failOldest();
  }

  private onRnrNak(psn: number, code: number): void {
    const refused = this.window.outstanding(psn);
    if (this.rnrWait || refused === undefined) return;
    this.qp.nic.stats.rnrNaksReceived++;
    this.acknowledgeBefore(psn);
    if (this.qp.state !== 'RTS') return;
    this.rnrWait = this.clock.waitForReceiver(code);
    if (!this.rnrWait) this.fail(refused, 'IBV_WC_RNR_RETRY_EXC_ERR');
    this.goBack();
  }

  private onNak(psn: number, code: number): void {
    const refused = this.window.outstanding(psn);
    // rxe follows an RNR NAK by a sequence NAK for the same PSN: whoever obeys the second one spins.
    if (refused === undefined || (this.rnrWait && code === NakCode.PSN_SEQUENCE_ERROR)) return;
    this.acknowledgeBefore(psn);
    if (this.qp.state !== 'RTS') return;
    if (code === NakCode.PSN_SEQUENCE_ERROR) {
      this.tryAgain();
      return;
    }
    this.fail(refused, NAK_STATUS[code] ?? 'IBV_WC_BAD_RESP_ERR');
    this.goBack();
  }

  /** A READ response, an atomic acknowledgement, or the empty response to FLUSH and ATOMIC WRITE. */
  private onResponse(packet: NicPacket): void {
    this.acknowledgeBefore(packet.psn);
    const wqe = this.window.queue.at(0);
    if (wqe?.wantsResponse !== true) return;
    const index = psnDistance(wqe.firstPsn, packet.psn);
    if (index < wqe.answered || index >= wqe.packets) return;
    if (index > wqe.answered) {
      this.askAgain();
    } else if (!isResponseTo(wqe, packet, this.attr.pathMtu)) {
      this.fail(wqe, 'IBV_WC_BAD_RESP_ERR');
    } else if (acceptResponse(wqe, packet, this.gather)) {
      this.missingPsn = -1;
      this.clock.progressed();
      this.acknowledgeBefore(psnAdd(packet.psn, 1));
    } else if (this.gather.faulting) {
      // The local page is missing: the request is sent again when it is there.
      this.goBack();
    }
  }

  /** The oldest response is missing. One request for it is enough, however many come in behind the gap. */
  private askAgain(): void {
    const { unfinishedPsn } = this.window;
    if (this.missingPsn === unfinishedPsn) return;
    this.missingPsn = unfinishedPsn;
    this.goBack();
  }

  /** One more attempt, if there is one left. */
  private tryAgain(): void {
    const oldest = this.window.queue.at(0);
    if (this.clock.takeRetry()) this.goBack();
    else if (oldest !== undefined) this.fail(oldest, 'IBV_WC_RETRY_EXC_ERR');
  }

  /**
   * Sends again from the oldest packet that is not finished, whatever the other side named: if that is later, the
   * response to an earlier request is missing, and only the request brings it again.
   */
  private goBack(): void {
    this.gather.drop();
    this.window.goBackTo(this.window.unfinishedPsn);
  }

  /** A request fails. What was posted before it may have been executed: it completes first. */
  private fail(wqe: SendWqe, status: WcStatus): void {
    wqe.failure ??= status;
    this.failOldest();
  }

  /** If the oldest request has failed it completes so, and takes the queue pair with it. */
  private failOldest(): void {
    const { window } = this;
    const oldest = window.queue.at(0);
    if (oldest === undefined || oldest.failure === null) return;
    this.qp.remote?.nic.memory.contents.settle();
    window.completeOldest();
    this.complete(oldest, oldest.failure);
    this.qp.toError();
  }

  private complete(wqe: SendWqe, status: WcStatus): void {
    const completion = {
      wrId: wqe.wrId,
      status,
      opcode: WC_OPCODE[wqe.opcode],
      qpn: this.qp.qpn,
      byteLength: status === 'IBV_WC_SUCCESS' ? wqe.length : 0,
      immediate: null,
    };
    // What was read into a region is on its way there.
    this.qp.completeSend(completion, wqe.mkey !== null && wqe.received > 0);
  }
}
