import { FaultGuard } from './fault-guard.js';
import type { NicPacket } from './packet-pool.js';
import type { QueuePair } from './queue-pair.js';
import { ReceiveQueue } from './receive-queue.js';
import { RequestExecutor, type ExecutorAttributes } from './request-executor.js';
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
export interface ResponderAttributes extends ExecutorAttributes {
  readonly rqPsn: number;
  readonly minRnrTimer: number;
}

/**
 * The receiving half of an RC queue pair (IBTA 9.7): takes request packets in order, has them executed, answers.
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
  private readonly executor: RequestExecutor;
  /** True from a sequence or RNR NAK until the packet that it names arrives: everything else is dropped silently. */
  private nakSent = false;

  constructor(private readonly qp: QueuePair) {
    this.responses = new ResponseQueue(qp);
    this.faults = new FaultGuard(qp, {
      retry: (packet) => {
        this.receive(packet);
      },
      fail: (opcode) => {
        this.refuse(this.executor.faultFailed(opcode));
      },
    });
    this.receives = new ReceiveQueue(qp, this.faults);
    this.executor = new RequestExecutor(qp, this.faults, this.receives, this.responses);
  }

  start(attr: ResponderAttributes): void {
    this.attr = attr;
    this.expectedPsn = attr.rqPsn;
    this.responses.start(attr.pathMtu);
    this.executor.start(attr);
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
    if (this.responses.closing) {
      pool.give(packet);
      return;
    }
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
   * The packets of a run, at most so many, as long as nothing else comes between them; none unless they are expected and all of their
   * translations are there.
   * @returns how many were taken
   */
  receiveRun(packet: NicPacket, most: number): number {
    if (packet.psn !== this.expectedPsn || this.faults.pending || this.responses.closing) return 0;
    const taken = this.executor.executeRun(packet, Math.min(most, packet.run));
    if (taken === 0) return 0;
    this.expectedPsn = psnAdd(this.expectedPsn, taken);
    this.nakSent = false;
    return taken;
  }

  /** Refuses the expected packet; the queue pair gives up when the refusal has been sent. */
  private refuse(code: number): void {
    this.faults.flush();
    this.responses.refuse(this.expectedPsn, nakSyndrome(code), this.msn, true);
  }

  /** True if the packet has been dealt with; false if it is kept. */
  private takeInOrder(packet: NicPacket): boolean {
    if (this.faults.pending) {
      // The requester came back before the fault was resolved: it is told to wait again.
      this.sendRnrNak();
      return true;
    }
    this.nakSent = false;
    const { psn, ackReq, opcode } = packet;
    const verdict = this.executor.execute(packet, this.nextMsn);
    if (verdict === 'kept') return false;
    if (verdict === 'not-ready') {
      this.sendRnrNak();
      return true;
    }
    if (verdict !== 'accepted') {
      this.refuse(verdict);
      return true;
    }
    const flags = OPCODE_FLAGS[opcode];
    const isRead = (flags & OpcodeFlag.RDMA_READ) !== 0;
    this.expectedPsn = psnAdd(psn, isRead ? psnCount(packet.dmaLength, this.attr.pathMtu) : 1);
    if ((flags & OpcodeFlag.ENDS) !== 0) this.msn = this.nextMsn;
    if (ackReq && (flags & (OpcodeFlag.SEND | OpcodeFlag.RDMA_WRITE)) !== 0) {
      this.responses.acknowledge(psn, this.msn, this.executor.lastOp);
    }
    return true;
  }

  /** MSN that answers to the request at hand carry: it counts as completed. */
  private get nextMsn(): number {
    return (this.msn + 1) & 0xffffff;
  }

  /** A packet is missing: one NAK names it, then silence until it comes. */
  private onGap(): void {
    if (this.nakSent) return;
    this.nakSent = true;
    this.qp.nic.stats.sequenceNaks++;
    this.responses.refuse(this.expectedPsn, nakSyndrome(NakCode.PSN_SEQUENCE_ERROR), this.msn, false);
  }

  /** Seen before: acknowledged again, a READ executed again, an atomic answered from memory; never executed twice. */
  private onDuplicate(packet: NicPacket): void {
    const flags = OPCODE_FLAGS[packet.opcode];
    if ((flags & (OpcodeFlag.SEND | OpcodeFlag.RDMA_WRITE)) !== 0) {
      if (packet.ackReq) this.responses.acknowledge(psnAdd(this.expectedPsn, -1), this.msn, null);
    } else if ((flags & OpcodeFlag.RDMA_READ) !== 0) {
      const code = this.executor.readAgain(packet, this.msn);
      if (code !== null) this.responses.refuse(packet.psn, nakSyndrome(code), this.msn, true);
    } else if ((flags & OpcodeFlag.ATOMIC) !== 0) {
      this.responses.replayAtomic(packet, this.msn);
    } else {
      this.responses.empty(packet, this.msn);
    }
  }

  private sendRnrNak(): void {
    this.nakSent = true;
    const { stats, simulation, name } = this.qp.nic;
    stats.rnrNaksSent++;
    const { trace } = simulation;
    if (trace.on) trace.emit({ kind: 'rnr_nak', nic: name, qpn: this.qp.qpn, psn: this.expectedPsn });
    this.responses.refuse(this.expectedPsn, rnrNakSyndrome(this.attr.minRnrTimer), this.msn, false);
  }
}
