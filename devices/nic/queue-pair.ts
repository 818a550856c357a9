import { SimulationError } from '../../src/engine/index.js';
import type { CompletionQueue, WorkCompletion } from './completion-queue.js';
import type { DeviceProfile } from './device-profile.js';
import type { Nic } from './nic.js';
import type { NicPacket } from './packet-pool.js';
import { OrderedCompletions } from './ordered-completions.js';
import { Requester } from './requester.js';
import { Responder } from './responder.js';
import { OPCODE_FLAGS, OpcodeFlag } from './wire/index.js';
import type { RecvWorkRequest, SendWorkRequest } from './work-request.js';

/** RESET → INIT → RTR → RTS, and ERR from anywhere (IBTA 10.3.1). Connecting passes through INIT and RTR. */
export type QpState = 'RESET' | 'RTS' | 'ERR';

/** struct ibv_qp_attr, as far as RC has it. What is absent comes from the device's profile. */
export interface QpAttributes extends Partial<DeviceProfile['qp']> {
  /** Path MTU in bytes: 256, 512, 1024, 2048 or 4096; default 4096. */
  readonly pathMtu?: number;
  /** First PSN sent; default 0. */
  readonly sqPsn?: number;
  /** First PSN expected; default 0. */
  readonly rqPsn?: number;
  /** IBV_ACCESS_REMOTE_*; default all. */
  readonly qpAccess?: number;
}

/** struct ibv_qp_init_attr: what a queue pair is made of. */
export interface QpInit {
  readonly sendCq: CompletionQueue;
  readonly recvCq: CompletionQueue;
  /** Number to use instead of the next free one: for replays. */
  readonly qpn?: number;
  /** Receives never run out; what arrives is discarded. For replays of traffic whose receive buffers are unknown. */
  readonly bottomlessReceive?: boolean;
}

/** An RC queue pair: a requester and a responder that share a number and a fate. */
export class QueuePair {
  state: QpState = 'RESET';
  /** @internal true while it waits for its turn on the link */
  scheduled = false;
  readonly requester: Requester;
  readonly responder: Responder;
  private readonly sends: OrderedCompletions;
  private readonly receives: OrderedCompletions;
  remote: { readonly nic: Nic; readonly qpn: number } | null = null;

  /** @internal made by Nic.createQp */
  constructor(
    readonly nic: Nic,
    readonly qpn: number,
    readonly init: QpInit,
  ) {
    const { dma } = nic;
    this.sends = new OrderedCompletions(dma, (completion) => {
      this.deliverSend(completion);
    });
    this.receives = new OrderedCompletions(dma, (completion) => {
      init.recvCq.push(completion);
    });
    this.requester = new Requester(this);
    this.responder = new Responder(this);
  }

  /** ibv_modify_qp to RTR and RTS: the other side, and how to talk to it. */
  connect(nic: Nic, qpn: number, attributes: QpAttributes = {}): void {
    if (this.state !== 'RESET') {
      throw new SimulationError(`${this.toString()}: connect in state ${this.state}, needs RESET`);
    }
    this.remote = { nic, qpn };
    this.state = 'RTS';
    const attr = { pathMtu: 4096, sqPsn: 0, rqPsn: 0, qpAccess: -1, ...this.nic.profile.qp, ...attributes };
    this.requester.start(attr);
    this.responder.start(attr);
  }

  /** ibv_post_send. In ERR the request completes at once with a flush error. */
  postSend(request: SendWorkRequest): void {
    if (this.state === 'RESET') throw new SimulationError(`${this.toString()}: post_send before it was connected`);
    const { trace } = this.nic.simulation;
    if (trace.on) {
      const { wrId, opcode, length, remoteAddress, rkey } = request;
      trace.emit({ kind: 'post_send', nic: this.nic.name, qpn: this.qpn, wrId, opcode, length, remoteAddress, rkey });
    }
    this.requester.post(request);
  }

  /** ibv_post_recv. */
  postRecv(request: RecvWorkRequest): void {
    this.responder.postRecv(request);
  }

  /** Everything that still waits is flushed; nothing is sent or accepted any more. */
  toError(): void {
    if (this.state === 'ERR') return;
    this.state = 'ERR';
    this.requester.flush();
    this.responder.flush();
  }

  /** @internal a packet for this queue pair; gives it back to the pool unless the responder keeps it. */
  receive(packet: NicPacket): void {
    if (this.state !== 'RTS') this.nic.pool.give(packet);
    else if ((OPCODE_FLAGS[packet.opcode] & OpcodeFlag.RESPONSE) !== 0) {
      this.requester.receive(packet);
      this.nic.pool.give(packet);
    } else {
      this.responder.receive(packet);
    }
  }

  /** @internal see PacketReceiver */
  receiveRun(packet: NicPacket, most: number): number {
    return this.state === 'RTS' ? this.responder.receiveRun(packet, most) : 0;
  }

  /** @internal */
  send(packet: NicPacket): void {
    const { remote } = this;
    if (remote === null) throw new SimulationError(`${this.toString()} is not connected`);
    packet.destQp = remote.qpn;
    this.nic.stats.packetsSent += packet.run;
    this.nic.egress.send(packet, remote.nic);
  }

  /** @internal see OrderedCompletions */
  completeSend(completion: WorkCompletion, moved: boolean): void {
    this.sends.push(completion, moved);
  }

  /** @internal A receive also says that the WRITEs before it are in memory, so it is always behind what was issued. */
  completeRecv(completion: WorkCompletion): void {
    this.receives.push(completion, true);
  }

  private deliverSend(completion: WorkCompletion): void {
    const { trace } = this.nic.simulation;
    if (trace.on) {
      const { wrId, status, opcode } = completion;
      trace.emit({ kind: 'send_completion', nic: this.nic.name, qpn: this.qpn, wrId, opcode, status });
    }
    this.init.sendCq.push(completion);
  }

  toString(): string {
    return `QP 0x${this.qpn.toString(16)} of ${this.nic.name}`;
  }
}
