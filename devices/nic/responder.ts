import { PAGE_SIZE, pageOf } from '../../src/base/index.js';
import {
  IBV_ACCESS_FLUSH_GLOBAL,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  mttFrame,
} from '../contract/index.js';
import type { DmaOp } from './dma-engine.js';
import { FaultGuard } from './fault-guard.js';
import type { NicMkey } from './mkey-table.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import { ReceiveQueue } from './receive-queue.js';
import { addressOf } from './request-packets.js';
import { ResponseQueue } from './response-queue.js';
import {
  NakCode,
  OPCODE_FLAGS,
  OpcodeFlag,
  nakSyndrome,
  psnAdd,
  psnCount,
  psnDistance,
  rnrNakSyndrome,
} from './wire/index.js';
import type { RecvWorkRequest } from './work-request.js';

/** What a connected responder goes by. */
export interface ResponderAttributes {
  readonly pathMtu: number;
  readonly rqPsn: number;
  readonly minRnrTimer: number;
  readonly qpAccess: number;
}

/** How a request packet was taken: done, not yet (its page or its receive is missing), or refused with that NAK code. */
export type Verdict = 'accepted' | 'later' | number;

/**
 * The receiving half of an RC queue pair (IBTA 9.7): takes request packets in order, moves their data, answers.
 */
export class Responder {
  readonly responses: ResponseQueue;
  /** Next PSN expected. */
  expectedPsn = 0;
  /** Requests completed: the MSN of the next answer. */
  msn = 0;

  private attr!: ResponderAttributes;
  private readonly receives: ReceiveQueue;
  private readonly faults: FaultGuard;
  /** True from a sequence or RNR NAK until the packet that it names arrives: everything else is dropped silently. */
  private nakSent = false;
  /** The message that is being received: where its next byte goes. */
  private mkey: NicMkey | null = null;
  private address = 0;
  private left = 0;
  /** The last DMA operation of the packet at hand. */
  private lastOp: DmaOp | null = null;

  constructor(private readonly qp: QueuePair) {
    this.responses = new ResponseQueue(qp);
    this.faults = new FaultGuard(qp, {
      retry: (packet) => {
        this.receive(packet);
      },
      fail: () => {
        this.refuse(NakCode.REMOTE_ACCESS_ERROR);
      },
    });
    this.receives = new ReceiveQueue(qp, this.faults);
  }

  start(attr: ResponderAttributes): void {
    this.attr = attr;
    this.expectedPsn = attr.rqPsn;
    this.responses.start(attr.pathMtu);
  }

  postRecv(request: RecvWorkRequest): void {
    this.receives.post(request);
  }

  flush(): void {
    this.receives.flush();
    this.faults.flush();
    this.responses.flush();
  }

  /** A request packet. Gives it back to the pool unless a stalled fault keeps it. */
  receive(packet: NicPacket): void {
    const { pool } = this.qp.nic;
    // Silent device, missing page: what arrives waits its turn.
    if (this.faults.keeps(packet)) return;
    const ahead = psnDistance(this.expectedPsn, packet.psn);
    if (ahead === 0) {
      if (this.takeInOrder(packet)) pool.give(packet);
      return;
    }
    if (ahead > 0) this.onGap();
    else this.onDuplicate(packet);
    pool.give(packet);
  }

  /**
   * The packets of a run, as long as nothing else comes between them; none unless they are expected and all of their
   * translations are there.
   * @returns how many were taken
   */
  receiveRun(packet: NicPacket): number {
    const { mkey } = this;
    const { payloadLength, run, arrival, spacing } = packet;
    if (packet.psn !== this.expectedPsn || this.faults.pending || mkey?.valid !== true) return 0;
    if (run * payloadLength > this.left || mkey.firstMissing(this.address, run * payloadLength, true) >= 0) return 0;
    const { simulation } = this.qp.nic;
    let taken = 0;
    do this.place(mkey, packet, packet.payloadOffset + taken * payloadLength);
    while (++taken < run && simulation.advanceAlone(arrival + taken * spacing));
    this.expectedPsn = psnAdd(this.expectedPsn, taken);
    this.nakSent = false;
    return taken;
  }

  /** Refuses the expected packet and gives the queue pair up. */
  refuse(code: number): void {
    this.responses.refuse(this.expectedPsn, nakSyndrome(code), this.msn);
    this.qp.toError();
  }

  /** True if the packet has been dealt with; false if it is kept. */
  private takeInOrder(packet: NicPacket): boolean {
    if (this.faults.pending) {
      // The requester came back before the fault was resolved: it is told to wait again.
      this.sendRnrNak();
      return true;
    }
    this.nakSent = false;
    this.lastOp = null;
    const { psn, ackReq, opcode } = packet;
    const verdict = this.execute(packet);
    if (verdict === 'later') return !this.faults.kept(packet);
    if (verdict !== 'accepted') {
      this.refuse(verdict);
      return true;
    }
    const flags = OPCODE_FLAGS[opcode];
    if ((flags & OpcodeFlag.RDMA_READ) !== 0)
      this.expectedPsn = psnAdd(psn, psnCount(packet.dmaLength, this.attr.pathMtu));
    else this.expectedPsn = psnAdd(psn, 1);
    if ((flags & OpcodeFlag.ENDS) !== 0) this.msn = (this.msn + 1) & 0xffffff;
    if (ackReq && (flags & (OpcodeFlag.SEND | OpcodeFlag.RDMA_WRITE)) !== 0) {
      this.responses.acknowledge(psn, this.msn, this.lastOp);
    }
    return true;
  }

  private execute(packet: NicPacket): Verdict {
    const flags = OPCODE_FLAGS[packet.opcode];
    if ((flags & OpcodeFlag.RDMA_WRITE) !== 0) return this.executeWrite(packet, flags);
    if ((flags & OpcodeFlag.SEND) !== 0) return this.executeSend(packet, flags);
    if ((flags & OpcodeFlag.RDMA_READ) !== 0) return this.executeRead(packet);
    if ((flags & OpcodeFlag.ATOMIC) !== 0) return this.executeAtomic(packet);
    if ((flags & OpcodeFlag.ATOMIC_WRITE) !== 0) return this.executeAtomicWrite(packet);
    if ((flags & OpcodeFlag.FLUSH) !== 0) return this.executeFlush(packet);
    return NakCode.INVALID_REQUEST;
  }

  private executeWrite(packet: NicPacket, flags: number): Verdict {
    const length = packet.payloadLength;
    if ((flags & OpcodeFlag.STARTS) !== 0) {
      this.left = packet.dmaLength;
      this.address = addressOf(packet);
      this.mkey = null;
      // A WRITE of nothing names no memory: its key and address are not looked at.
      if (this.left > 0) {
        this.mkey = this.keyFor(packet.rKey, this.address, this.left, IBV_ACCESS_REMOTE_WRITE);
        if (this.mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
      }
    }
    if (length > this.left || ((flags & OpcodeFlag.ENDS) !== 0 && length !== this.left)) return NakCode.INVALID_REQUEST;
    const { mkey } = this;
    if (mkey !== null && length > 0) {
      if (!mkey.valid) return NakCode.REMOTE_ACCESS_ERROR;
      if (!this.faults.present(packet, mkey, this.address, length, this.left, true)) return this.faultVerdict();
    }
    if ((flags & OpcodeFlag.IMMDT) !== 0 && !this.receives.takeImmediate(packet)) return this.receiverNotReady();
    if (mkey !== null && length > 0) this.place(mkey, packet, packet.payloadOffset);
    return 'accepted';
  }

  /** Issues the DMA for one packet, whose data begins at `payloadOffset`, cut at page borders. */
  private place(mkey: NicMkey, packet: NicPacket, payloadOffset: number): void {
    const { dma } = this.qp.nic;
    const { payload, payloadLength, mark } = packet;
    const { address } = this;
    let page = pageOf(address);
    let within = address - page * PAGE_SIZE;
    for (let done = 0; done < payloadLength; page++) {
      const bytes = Math.min(PAGE_SIZE - within, payloadLength - done);
      const op = dma.write(mttFrame(mkey.entryOfPage(page)), within, bytes, payload, payloadOffset + done);
      dma.issue(op, mkey, address + done, mark);
      this.lastOp = op;
      within = 0;
      done += bytes;
    }
    this.address = address + payloadLength;
    this.left -= payloadLength;
  }

  private executeSend(packet: NicPacket, flags: number): Verdict {
    const verdict = this.receives.take(packet, flags);
    if (verdict === 'not-ready') return this.receiverNotReady();
    if (verdict === 'fault') return this.faultVerdict();
    if (verdict !== 'accepted') return verdict;
    if ((flags & OpcodeFlag.IETH) !== 0) this.qp.nic.invalidateKey(packet.invalidateRKey);
    return 'accepted';
  }

  private executeRead(packet: NicPacket): Verdict {
    const { rKey, dmaLength: length } = packet;
    const address = addressOf(packet);
    if (length === 0) {
      this.responses.read(null, 0, 0, packet.psn, this.nextMsn, packet.mark);
      return 'accepted';
    }
    const mkey = this.keyFor(rKey, address, length, IBV_ACCESS_REMOTE_READ);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    const first = Math.min(length, this.attr.pathMtu);
    if (!this.faults.present(packet, mkey, address, first, length, false)) return this.faultVerdict();
    this.responses.read(mkey, address, length, packet.psn, this.nextMsn, packet.mark);
    return 'accepted';
  }

  private executeAtomic(packet: NicPacket): Verdict {
    const address = addressOf(packet);
    const mkey = this.keyFor(packet.rKey, address, 8, IBV_ACCESS_REMOTE_ATOMIC);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    if (address % 8 !== 0) return NakCode.INVALID_REQUEST;
    if (!this.faults.present(packet, mkey, address, 8, 8, true)) return this.faultVerdict();
    this.responses.atomic(mkey, address, packet, this.nextMsn);
    return 'accepted';
  }

  private executeAtomicWrite(packet: NicPacket): Verdict {
    const address = addressOf(packet);
    const mkey = this.keyFor(packet.rKey, address, 8, IBV_ACCESS_REMOTE_WRITE);
    if (mkey === null) return NakCode.REMOTE_ACCESS_ERROR;
    if (address % 8 !== 0 || packet.payloadLength !== 8) return NakCode.INVALID_REQUEST;
    if (!this.faults.present(packet, mkey, address, 8, 8, true)) return this.faultVerdict();
    this.address = address;
    this.left = 8;
    this.place(mkey, packet, packet.payloadOffset);
    this.responses.empty(packet.psn, this.nextMsn, packet.mark);
    return 'accepted';
  }

  /** FLUSH answers when everything before it is in memory. */
  private executeFlush(packet: NicPacket): Verdict {
    const wholeRegion = packet.selectivity === 1;
    const mkey = this.qp.nic.mkeys.lookup(packet.rKey);
    const address = wholeRegion && mkey !== null ? mkey.iova : addressOf(packet);
    const length = wholeRegion && mkey !== null ? mkey.length : packet.dmaLength;
    if (length > 0 && this.keyFor(packet.rKey, address, length, IBV_ACCESS_FLUSH_GLOBAL) === null) {
      return NakCode.REMOTE_ACCESS_ERROR;
    }
    this.responses.empty(packet.psn, this.nextMsn, packet.mark);
    return 'accepted';
  }

  /** MSN that answers to this request carry: it counts as completed. */
  private get nextMsn(): number {
    return (this.msn + 1) & 0xffffff;
  }

  /** A packet is missing: one NAK names it, then silence until it comes. */
  private onGap(): void {
    if (this.nakSent) return;
    this.nakSent = true;
    this.qp.nic.stats.sequenceNaks++;
    this.responses.refuse(this.expectedPsn, nakSyndrome(NakCode.PSN_SEQUENCE_ERROR), this.msn);
  }

  /** Seen before: acknowledged again, a READ executed again, an atomic answered from memory; never executed twice. */
  private onDuplicate(packet: NicPacket): void {
    const flags = OPCODE_FLAGS[packet.opcode];
    if ((flags & (OpcodeFlag.SEND | OpcodeFlag.RDMA_WRITE)) !== 0) {
      if (packet.ackReq) this.responses.acknowledge(psnAdd(this.expectedPsn, -1), this.msn, null);
    } else if ((flags & OpcodeFlag.RDMA_READ) !== 0) {
      const address = addressOf(packet);
      const { dmaLength: length, psn, mark } = packet;
      const mkey = length === 0 ? null : this.keyFor(packet.rKey, address, length, IBV_ACCESS_REMOTE_READ);
      if (length === 0 || mkey !== null) this.responses.read(mkey, address, length, psn, this.msn, mark);
    } else if ((flags & OpcodeFlag.ATOMIC) !== 0) {
      this.responses.replayAtomic(packet.psn, this.msn);
    } else {
      this.responses.empty(packet.psn, this.msn, packet.mark);
    }
  }

  private receiverNotReady(): Verdict {
    this.sendRnrNak();
    return 'later';
  }

  private faultVerdict(): Verdict {
    if (!this.faults.silent) this.sendRnrNak();
    return 'later';
  }

  private sendRnrNak(): void {
    this.nakSent = true;
    const { stats, simulation, name } = this.qp.nic;
    stats.rnrNaksSent++;
    const { trace } = simulation;
    if (trace.on) trace.emit({ kind: 'rnr_nak', nic: name, qpn: this.qp.qpn, psn: this.expectedPsn });
    this.responses.refuse(this.expectedPsn, rnrNakSyndrome(this.attr.minRnrTimer), this.msn);
  }

  /** Key and range checks in IBTA's order; null fails them. */
  private keyFor(rkey: number, address: number, length: number, right: number): NicMkey | null {
    if ((this.attr.qpAccess & right) === 0) return null;
    const mkey = this.qp.nic.mkeys.lookup(rkey);
    if (mkey === null || (mkey.access & right) === 0 || !mkey.covers(address, length)) return null;
    return mkey;
  }
}
