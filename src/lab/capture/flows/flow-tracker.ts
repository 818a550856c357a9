import { aethKind, aethValue, NakCode, Opcode, OpcodeFlag, opcodeHas } from '../../../../devices/nic/wire/index.js';
import type { Packet } from '../../../../devices/nic/wire/index.js';
import type { CompletionStatus } from './captured-request.js';
import type { FlowFacts } from './flow.js';
import { MessageAssembler } from './message-assembler.js';
import type { RequestSink } from './message-assembler.js';
import { OutstandingRequests } from './outstanding-requests.js';
import { PacketsAhead } from './packets-ahead.js';
import type { AheadBudget } from './packets-ahead.js';
import { PathMtu } from './path-mtu.js';
import { PSN_WINDOW, RequestOrder } from './request-order.js';
import { CompletionRecord, HoldRecord } from './request-record.js';
import type { RequestRecord } from './request-record.js';
import { StraySlot } from './stray-slot.js';
import type { StreamPacket } from '../packets/index.js';

/** A queue pair that has been silent this long, or owes nothing, may be replaced by a new connection at once. */
const IDLE_NS = 1_000_000_000;

/** What was in flight when a queue pair failed has arrived by then; what comes later belongs to a new connection. */
const IN_FLIGHT_NS = 50_000_000;

/** NAKs by which the responder refuses a request for good; both queue pairs go to the error state. */
const NAK_STATUS: ReadonlyMap<number, CompletionStatus> = new Map([
  [NakCode.INVALID_REQUEST, 'IBV_WC_REM_INV_REQ_ERR'],
  [NakCode.REMOTE_ACCESS_ERROR, 'IBV_WC_REM_ACCESS_ERR'],
  [NakCode.REMOTE_OPERATIONAL_ERROR, 'IBV_WC_REM_OP_ERR'],
  // Not for RC by the standard; rxe's requester reports it as a remote operational error.
  [NakCode.INVALID_RD_REQUEST, 'IBV_WC_REM_OP_ERR'],
]);

/** Responses to requests that the capture has not shown yet; this many are enough to know that it will not. */
const MAX_DEFERRED = 64;

/** How many packets behind the last captured one the capture may have lost, for a response to be matched all the same. */
const MAX_LOST = 1024;

interface Deferred {
  /** Through this PSN the responder has accepted everything. */
  psn: number;
  readonly sinceNs: number;
  readonly responses: StreamPacket[];
  readonly hold: HoldRecord;
}

/** Follows one flow: its requests in PSN order and the responses that end them. */
export class FlowTracker {
  readonly facts: FlowFacts;
  /** A response to this requester queue pair has fitted; until then `facts.requesterQpn` is a guess. */
  confirmed = false;
  /** Another connection has taken over the queue pair number. */
  retired = false;
  /** A NAK has put the queue pair in error. */
  failed = false;
  /** UDP source port of the latest request. */
  sourcePort = 0;
  readonly stray: StraySlot;
  private failedNs = 0;
  /** When its latest packet came, in either direction. */
  private activeNs = 0;
  private readonly mtu: PathMtu;
  private readonly outstanding = new OutstandingRequests();
  private readonly ahead: PacketsAhead;
  private readonly assembler: MessageAssembler;
  private readonly order: RequestOrder;
  private deferred: Deferred | undefined = undefined;

  constructor(
    facts: FlowFacts,
    private readonly sink: RequestSink,
    budget: AheadBudget,
  ) {
    this.facts = facts;
    this.stray = new StraySlot(sink);
    this.mtu = new PathMtu(facts);
    this.ahead = new PacketsAhead(budget, sink.queue, sink.collectPayloads);
    this.assembler = new MessageAssembler(facts, this.mtu, this.outstanding, sink);
    this.order = new RequestOrder(facts, this.mtu, this.assembler, this.outstanding, this.ahead);
  }

  /** CM told the path MTU. */
  learnPathMtu(bytes: number): void {
    this.mtu.exactly(bytes, 'cm');
  }

  /** True when the packet can be one of this connection. */
  relates({ packet, timeNs }: StreamPacket): boolean {
    const psn = this.order.unwrap(packet.psn);
    if (!this.failed || !opcodeHas(packet.opcode, OpcodeFlag.STARTS)) return this.order.relates(packet, psn);
    return psn >= this.order.acked && psn <= this.order.sent && timeNs - this.failedNs < IN_FLIGHT_NS;
  }

  /** True when the requester owes no one anything, so that an unrelated PSN can only be a new connection. */
  quiet(timeNs: number): boolean {
    return this.failed || this.outstanding.isEmpty || timeNs - this.activeNs >= IDLE_NS;
  }

  /** Takes a request packet that {@link relates}. */
  request(from: StreamPacket): void {
    this.stray.drop();
    const psn = this.order.unwrap(from.packet.psn);
    this.facts.requestPackets++;
    this.facts.lastTimeNs = from.timeNs;
    this.activeNs = from.timeNs;
    this.sourcePort = from.sourcePort;
    if (this.failed) {
      this.order.sent = Math.max(this.order.sent, psn + 1);
      this.sink.skips.add('after-fatal-nak', from.frame, from.offset);
      return;
    }
    // A response may be captured just before the request it answers; only a request that skips something tells of loss.
    if (this.deferred !== undefined && psn !== this.order.expected) this.settle();
    this.order.take(from, psn);
    if (this.deferred !== undefined && this.order.expected > this.deferred.psn) this.settle();
  }

  /** True when `packet` can answer a request of this flow that is still without an answer. */
  answers(packet: Packet): boolean {
    const psn = this.order.unwrap(packet.psn);
    const request = this.outstanding.find(psn);
    if (request === undefined) return psn >= this.order.expected && psn < this.order.sent;
    const { opcode } = packet;
    if (opcode === Opcode.RC_ACKNOWLEDGE) return aethKind(packet.syndrome) !== 'ACK' || !request.needsOwnResponse;
    const atomic = request.operation === 'ATOMIC_CMP_AND_SWP' || request.operation === 'ATOMIC_FETCH_AND_ADD';
    return request.needsOwnResponse && atomic === (opcode === Opcode.RC_ATOMIC_ACKNOWLEDGE);
  }

  /** True when `packet` can answer a request that the capture has lost right behind the last one it holds. */
  mayAnswerLost(packet: Packet): boolean {
    const psn = this.order.unwrap(packet.psn);
    return psn >= this.order.sent && psn - this.order.sent < MAX_LOST;
  }

  /** True when the PSN of a response lies where this flow has been or may be. */
  plausible(packet: Packet): boolean {
    const psn = this.order.unwrap(packet.psn);
    return this.outstanding.find(psn) !== undefined || Math.abs(psn - this.order.expected) <= PSN_WINDOW;
  }

  /** Takes a response to this flow. True when from now on something waits for {@link settle}. */
  respond(from: StreamPacket): boolean {
    this.facts.responsePackets++;
    this.activeNs = from.timeNs;
    this.order.lastResponseNs = from.timeNs;
    if (this.failed) return false;
    const settled = this.deferred === undefined;
    this.handle(from);
    return settled && this.deferred !== undefined;
  }

  /** When the oldest response came that {@link settle} has to look at again. */
  get unsettledSinceNs(): number {
    return this.deferred?.sinceNs ?? Infinity;
  }

  /** Steps over what responses have proved and the capture does not hold, and goes through those responses again. */
  settle(): void {
    const { deferred } = this;
    if (deferred === undefined) return;
    this.deferred = undefined;
    deferred.hold.release();
    this.order.settleThrough(deferred.psn);
    for (const response of deferred.responses) this.handle(response);
  }

  /** The capture, or this connection, is over. */
  finish(): void {
    this.settle();
    this.order.finish();
    this.outstanding.abandon();
    this.stray.drop();
  }

  private handle(from: StreamPacket): void {
    const { packet } = from;
    const psn = this.order.unwrap(packet.psn);
    const kind = packet.opcode === Opcode.RC_ACKNOWLEDGE ? aethKind(packet.syndrome) : 'ACK';
    if (kind === 'RNR NAK') this.refuse(psn, from);
    else if (kind === 'NAK') this.negate(psn, from);
    else if (kind === 'reserved') this.sink.skips.add('reserved-syndrome', from.frame, from.offset);
    else if (psn >= this.order.expected && !this.assembler.mayAnswerRead(packet, psn)) this.defer(psn, from);
    else if (packet.opcode === Opcode.RC_ACKNOWLEDGE) this.acknowledge(psn, from);
    else this.answer(from, psn);
  }

  /** An ACK or READ response to what the capture has not shown, or shows only in a moment. */
  private defer(psn: number, from: StreamPacket): void {
    if (this.deferred === undefined) {
      const hold = new HoldRecord(from.frame, () => this.settle());
      this.sink.queue.add(hold);
      this.deferred = { psn, sinceNs: from.timeNs, responses: [], hold };
    }
    const { deferred } = this;
    deferred.psn = Math.max(deferred.psn, psn);
    deferred.responses.push(from.keep(false));
    this.acknowledge(this.order.expected - 1, from);
    if (deferred.responses.length >= MAX_DEFERRED) this.settle();
  }

  private acknowledge(psn: number, { frame, timeNs }: StreamPacket): void {
    if (psn >= this.order.acked) this.order.acked = psn + 1;
    this.outstanding.acknowledge(psn, (request) => this.end(request, 'IBV_WC_SUCCESS', frame, timeNs));
  }

  /** A NAK of whatever kind: everything before `psn` has been accepted, whether captured or not. */
  private acknowledgeBefore(psn: number, from: StreamPacket): void {
    this.settle();
    if (psn > this.order.expected) this.order.settleThrough(psn - 1);
    this.acknowledge(psn - 1, from);
  }

  private refuse(psn: number, from: StreamPacket): void {
    this.facts.rnrNaks++;
    this.acknowledgeBefore(psn, from);
    const request = this.outstanding.find(psn);
    if (request !== undefined) request.rnrNaks++;
    this.order.rewind(psn);
  }

  private negate(psn: number, from: StreamPacket): void {
    const code = aethValue(from.packet.syndrome);
    const status = NAK_STATUS.get(code);
    if (code === NakCode.PSN_SEQUENCE_ERROR) {
      this.facts.sequenceNaks++;
      this.acknowledgeBefore(psn, from);
      this.order.rewind(psn);
    } else if (status === undefined) {
      this.sink.skips.add('reserved-syndrome', from.frame, from.offset);
    } else {
      this.facts.fatalNaks++;
      this.acknowledgeBefore(psn, from);
      this.fail(psn, status, from);
    }
  }

  private fail(psn: number, status: CompletionStatus, from: StreamPacket): void {
    this.failed = true;
    this.failedNs = from.timeNs;
    this.order.finish();
    this.outstanding.drain((request) => {
      const refused = request.firstPsn <= psn && psn <= request.lastPsn;
      const before = request.lastPsn < psn;
      this.end(request, refused ? status : before ? 'IBV_WC_SUCCESS' : 'IBV_WC_WR_FLUSH_ERR', from.frame, from.timeNs);
    });
  }

  /** A READ response or an ATOMIC Acknowledge to something the capture has shown. */
  private answer(from: StreamPacket, psn: number): void {
    const { packet } = from;
    if (opcodeHas(packet.opcode, OpcodeFlag.RDMA_READ)) this.learnFromReadResponse(packet, psn);
    const request = this.outstanding.find(psn);
    if (request === undefined || !request.needsOwnResponse) {
      this.acknowledge(Math.min(psn, this.order.expected - 1), from);
      return;
    }
    this.acknowledge(request.firstPsn - 1, from);
    if (!opcodeHas(packet.opcode, OpcodeFlag.ENDS)) return;
    if (request.lastPsn >= this.order.acked) this.order.acked = request.lastPsn + 1;
    this.outstanding.remove(request);
    const atomic = packet.opcode === Opcode.RC_ATOMIC_ACKNOWLEDGE;
    this.end(request, 'IBV_WC_SUCCESS', from.frame, from.timeNs, atomic ? packet.originalData : undefined);
  }

  private learnFromReadResponse(packet: Packet, psn: number): void {
    const starts = opcodeHas(packet.opcode, OpcodeFlag.STARTS);
    const ends = opcodeHas(packet.opcode, OpcodeFlag.ENDS);
    if (!ends) this.mtu.exactly(packet.payloadLength, 'packets');
    else if (starts) this.mtu.atLeast(packet.payloadLength);
    else this.order.endRead(psn);
    this.order.resizeRead();
  }

  private end(
    request: RequestRecord,
    status: CompletionStatus,
    frame: number,
    timeNs: number,
    originalData?: bigint,
  ): void {
    this.sink.queue.add(new CompletionRecord(request, frame, timeNs, status, originalData));
  }
}
