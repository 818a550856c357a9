import { IBV_ACCESS_LOCAL_WRITE } from '../contract/index.js';
import { WC_OPCODE } from './completion-queue.js';
import { Gather } from './gather.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import { buildRequest } from './request-packets.js';
import { acceptResponse, responsesReceived } from './response-data.js';
import { RetryClock, type RetryAttributes, type RetryListener } from './retry-clock.js';
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

/** Requests at least every so many packets that the responder acknowledge, so that the window moves in long messages. */
const ACK_EVERY = 64;

/** Packets that may leave as one object: half of what the link has queued, so that it never runs dry. */
const MAX_RUN = 16;

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
  /** Nothing is sent while this says why: an RNR wait, a page fault of the local side. */
  private waitsFor: 'rnr' | 'fault' | null = null;

  constructor(private readonly qp: QueuePair) {
    this.clock = new RetryClock(qp.nic.simulation, qp.toString(), this);
    this.gather = new Gather(qp, {
      resume: () => {
        this.waitsFor = null;
        this.pump();
      },
      fail: () => {
        this.waitsFor = null;
        this.fail('IBV_WC_LOC_PROT_ERR');
      },
    });
  }

  start(attr: RequesterAttributes): void {
    this.attr = attr;
    this.window.start(attr.sqPsn);
    this.clock.start(attr);
  }

  post(request: SendWorkRequest): void {
    const { local, opcode, length } = request;
    const sge = local === null || local instanceof Uint8Array ? null : local;
    const mkey = sge === null ? null : this.qp.nic.mkeys.lookup(sge.lkey);
    const wqe = new SendWqe(request, mkey);
    if (this.qp.state === 'ERR') {
      this.complete(wqe, 'IBV_WC_WR_FLUSH_ERR');
      return;
    }
    const fillsPackets = opcode === 'SEND' || opcode === 'RDMA_WRITE' || opcode === 'RDMA_READ';
    this.window.post(wqe, fillsPackets ? psnCount(length, this.attr.pathMtu) : 1);
    if (sge !== null && !this.mayUse(wqe, sge.address, sge.length)) {
      this.failAt(this.window.queue.length - 1, 'IBV_WC_LOC_PROT_ERR');
    } else {
      this.pump();
    }
  }

  /** A response. The caller gives the packet back. */
  receive(packet: NicPacket): void {
    if (packet.opcode === Opcode.RC_ACKNOWLEDGE) this.onAcknowledge(packet);
    else if (this.window.wasSent(packet.psn)) this.onResponse(packet);
    this.pump();
  }

  /** Completes everything that is left with a flush error. */
  flush(): void {
    this.clock.stop();
    this.qp.remote?.nic.memory.contents.settle();
    this.flushUntil(undefined);
  }

  /**
   * Sends one packet if one may be sent now. Called when it is this queue pair's turn on the link.
   * @returns true if it sent one and has more
   */
  sendNext(): boolean {
    const { window } = this;
    const wqe = window.current;
    if (wqe === undefined || this.waitsFor !== null || this.gather.busy || this.qp.state !== 'RTS') return false;
    const { inFlight } = window;
    const isRead = wqe.wantsResponse;
    if (inFlight > 0 && inFlight + (isRead ? wqe.packets : 1) > this.qp.nic.profile.maxUnackedPackets) return false;
    if (isRead && window.outstandingReads >= this.attr.maxRdAtomic) return false;
    return this.sendPacket(wqe) && window.current !== undefined;
  }

  /** RetryListener. */
  get awaitsAck(): boolean {
    return this.window.inFlight !== 0;
  }

  /** RetryListener. */
  get excused(): boolean {
    return this.waitsFor !== null;
  }

  /** RetryListener. */
  get idle(): boolean {
    return this.window.queue.length === 0;
  }

  /** RetryListener. */
  timedOut(): void {
    this.qp.nic.stats.timeouts++;
    this.missingPsn = -1;
    if (!this.clock.takeRetry()) {
      this.fail('IBV_WC_RETRY_EXC_ERR');
      return;
    }
    this.window.goBackTo(this.window.unackedPsn);
    this.pump();
  }

  /** RetryListener. */
  rnrWaitOver(): void {
    this.waitsFor = null;
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
    if (wqe.mkey !== null && !wqe.wantsResponse && wqe.length > 0) {
      const offset = index * pathMtu;
      const length = Math.min(pathMtu, wqe.length - offset);
      if (!this.gather.fetch(wqe.mkey, wqe.localAddress + offset, length)) {
        if (this.gather.faulting) this.waitsFor = 'fault';
        return false;
      }
    }
    const run = this.runLength(wqe, index);
    const packet = qp.nic.pool.take();
    packet.run = run;
    buildRequest(packet, wqe, index, pathMtu, this.gather.take());
    packet.psn = psnAdd(wqe.firstPsn, index);
    packet.mark = wqe.mark;
    packet.ackReq = wqe.wantsResponse || index === wqe.packets - 1 || index % ACK_EVERY === ACK_EVERY - 1;
    const first = window.inFlight === 0;
    if (window.sent(wqe, run)) qp.nic.stats.retransmits += run;
    this.clock.sent(first);
    qp.send(packet);
    return true;
  }

  /** How many packets from `index` on may leave as one object: middle packets that nobody asks to acknowledge. */
  private runLength(wqe: SendWqe, index: number): number {
    if (index === 0 || wqe.opcode !== 'RDMA_WRITE' || wqe.mkey !== null) return 1;
    const { nic } = this.qp;
    if (!nic.servesOne || nic.egress.lossRule !== null) return 1;
    const { inFlight, freshPsn } = this.window;
    const beforeAck = Math.min(wqe.packets - 1 - index, ACK_EVERY - 1 - (index % ACK_EVERY));
    const room = Math.min(MAX_RUN, nic.egress.room, nic.profile.maxUnackedPackets - inFlight);
    // All of them are sent for the first time, or none is.
    const again = psnDistance(psnAdd(wqe.firstPsn, index), freshPsn);
    return Math.max(1, Math.min(beforeAck, room, again > 0 ? again : MAX_RUN));
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
    if (window.acknowledged(psn)) this.clock.progressed();
    for (let wqe = window.queue.at(0); wqe !== undefined; wqe = window.queue.at(0)) {
      if (psnDistance(psnAdd(wqe.firstPsn, wqe.packets), psn) < 0) return;
      if (wqe.wantsResponse && !wqe.responded) {
        // A later acknowledgement says that this response was sent; it did not come.
        this.askAgain(psnAdd(wqe.firstPsn, responsesReceived(wqe, this.attr.pathMtu)));
        return;
      }
      window.completeOldest();
      this.complete(wqe, 'IBV_WC_SUCCESS');
    }
  }

  private onRnrNak(psn: number, code: number): void {
    if (this.waitsFor === 'rnr' || !this.window.isOutstanding(psn)) return;
    this.qp.nic.stats.rnrNaksReceived++;
    this.acknowledgeBefore(psn);
    if (!this.clock.waitForReceiver(code)) {
      this.fail('IBV_WC_RNR_RETRY_EXC_ERR');
      return;
    }
    this.window.goBackTo(psn);
    this.waitsFor = 'rnr';
  }

  private onNak(psn: number, code: number): void {
    // rxe follows an RNR NAK by a sequence NAK for the same PSN: whoever obeys the second one spins.
    if (!this.window.isOutstanding(psn) || (this.waitsFor === 'rnr' && code === NakCode.PSN_SEQUENCE_ERROR)) return;
    this.acknowledgeBefore(psn);
    if (code !== NakCode.PSN_SEQUENCE_ERROR) {
      this.fail(NAK_STATUS[code] ?? 'IBV_WC_BAD_RESP_ERR');
    } else if (!this.clock.takeRetry()) {
      this.fail('IBV_WC_RETRY_EXC_ERR');
    } else {
      this.window.goBackTo(psn);
    }
  }

  /** A READ response, an atomic acknowledgement, or the empty response to FLUSH and ATOMIC WRITE. */
  private onResponse(packet: NicPacket): void {
    this.acknowledgeBefore(packet.psn);
    const { window } = this;
    const wqe = window.queue.at(0);
    if (wqe?.wantsResponse !== true) return;
    const index = psnDistance(wqe.firstPsn, packet.psn);
    const expected = responsesReceived(wqe, this.attr.pathMtu);
    if (index < expected || index >= wqe.packets) return;
    if (index > expected) {
      this.askAgain(psnAdd(wqe.firstPsn, expected));
      return;
    }
    if (!acceptResponse(wqe, packet, this.gather)) {
      // The local page is missing: the request is sent again when it is there.
      if (this.gather.faulting) {
        window.goBackTo(packet.psn);
        this.waitsFor = 'fault';
      }
      return;
    }
    this.missingPsn = -1;
    if (wqe.responded) window.outstandingReads--;
    this.acknowledgeBefore(psnAdd(packet.psn, 1));
  }

  /** A response is missing. One request for it is enough, however many come in behind the gap. */
  private askAgain(psn: number): void {
    if (this.missingPsn === psn) return;
    this.missingPsn = psn;
    this.window.goBackTo(psn);
  }

  /** The oldest request fails and takes the queue pair with it. */
  private fail(status: WcStatus): void {
    this.failAt(0, status);
  }

  private failAt(index: number, status: WcStatus): void {
    const { window } = this;
    this.qp.remote?.nic.memory.contents.settle();
    const failed = window.queue.at(index);
    this.flushUntil(failed);
    if (failed !== undefined) {
      window.completeOldest();
      this.complete(failed, status);
    }
    this.qp.toError();
  }

  private flushUntil(last: SendWqe | undefined): void {
    const { window } = this;
    for (let wqe = window.queue.at(0); wqe !== undefined && wqe !== last; wqe = window.queue.at(0)) {
      window.completeOldest();
      this.complete(wqe, 'IBV_WC_WR_FLUSH_ERR');
    }
  }

  private complete(wqe: SendWqe, status: WcStatus): void {
    this.qp.completeSend({
      wrId: wqe.wrId,
      status,
      opcode: WC_OPCODE[wqe.opcode],
      qpn: this.qp.qpn,
      byteLength: status === 'IBV_WC_SUCCESS' ? wqe.length : 0,
      immediate: null,
    });
  }

  /** Whether the local region exists, covers the bytes, and may be written if data comes back. */
  private mayUse(wqe: SendWqe, address: number, length: number): boolean {
    const { mkey } = wqe;
    if (!mkey?.covers(address, length)) return false;
    return !wqe.wantsResponse || (mkey.access & IBV_ACCESS_LOCAL_WRITE) !== 0;
  }
}
