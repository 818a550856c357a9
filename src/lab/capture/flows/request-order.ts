import { Opcode, OpcodeFlag, opcodeHas, PSN_MASK, psnDistance } from '../../../../devices/nic/wire/index.js';
import type { Packet } from '../../../../devices/nic/wire/index.js';
import type { FlowFacts } from './flow.js';
import type { MessageAssembler } from './message-assembler.js';
import type { OutstandingRequests } from './outstanding-requests.js';
import type { PacketsAhead } from './packets-ahead.js';
import type { PathMtu } from './path-mtu.js';
import { RequestHistory } from './request-history.js';
import type { StreamPacket } from '../packets/index.js';

/** Packets this far from the expected PSN belong to another connection; no requester has as many in flight. */
export const PSN_WINDOW = 65_536;
/** How far below the first captured PSN a go-back-N may reach. */
const EARLIER_WINDOW = 4096;
/** Without a response, a gap is taken for loss of the capture after this many packets or this time beyond it. */
const GAP_PACKETS = 1024;
const GAP_NS = 5_000_000_000;
/** Gaps remembered, so that a packet which the capture holds out of place is known for what it is. */
const MAX_GAPS = 16;
/** Capture queues put frames out of order by less than this. */
export const REORDER_NS = 1_000_000;

/** PSNs that were stepped over, `to` exclusive. */
interface Gap {
  readonly from: number;
  readonly to: number;
}

/**
 * The responder's side of PSN order, as far as a bystander can know it (IBTA 9.7.4): it accepts the expected PSN, drops
 * what is ahead until go-back-N brings the missing packet, and takes what is behind for a duplicate.
 *
 * PSNs are unwrapped here: they count on beyond 2^24. Three facts hold at all times:
 * - `acked` ≤ `expected` ≤ `high`, except that `acked` may not be known;
 * - requests up to `high` have been put together once; below it, a packet is only counted again;
 * - `expected` goes back only by a NAK, which says that the responder has nothing from there on.
 */
export class RequestOrder {
  expected: number;
  /** One past the highest PSN that a response has acknowledged. */
  acked: number;
  /** One past the highest PSN that has been sent. */
  sent: number;
  /** When the latest response came; −1 before the first. */
  lastResponseNs = -1;
  private start: number;
  private high: number;
  /** The packet accepted last. */
  private latestFrame = 0;
  private latestNs = 0;
  private readonly history = new RequestHistory();
  private readonly gaps: Gap[] = [];

  constructor(
    private readonly facts: FlowFacts,
    private readonly mtu: PathMtu,
    private readonly assembler: MessageAssembler,
    private readonly outstanding: OutstandingRequests,
    private readonly ahead: PacketsAhead,
  ) {
    // One turn of the PSN circle above zero, so that going back a little stays positive.
    this.start = facts.startPsn + PSN_MASK + 1;
    this.expected = this.start;
    this.acked = this.start;
    this.sent = this.start;
    this.high = this.start;
  }

  /** The unwrapped PSN nearest to the expected one. */
  unwrap(psn: number): number {
    return this.expected + psnDistance(this.expected & PSN_MASK, psn);
  }

  /** True when the packet can belong to this connection. */
  relates(packet: Packet, psn: number): boolean {
    if (psn >= this.expected) return psn - this.expected <= PSN_WINDOW;
    if (psn < this.start) return this.start - psn <= EARLIER_WINDOW;
    if (!opcodeHas(packet.opcode, OpcodeFlag.STARTS)) return true;
    if (this.history.couldRepeat(packet, psn) || this.inGap(psn)) return true;
    const request = this.outstanding.find(psn);
    return request !== undefined && request.firstPsn === psn && request.rKey === packet.rKey;
  }

  /** Takes the packet at `psn`, one that {@link relates}. */
  take(from: StreamPacket, psn: number): void {
    this.sizeRead(from.packet, psn);
    if (psn + 1 > this.sent) this.sent = psn + 1;
    if (psn < this.start) this.restart(psn);
    if (psn === this.expected) this.accept(from, psn);
    else if (psn < this.expected) this.takeBehind(from, psn);
    else this.putAhead(from, psn);
  }

  /** A response proves that the responder accepted everything through `psn`. */
  settleThrough(psn: number): void {
    this.resizeRead();
    if (this.expected < this.high) this.passOver(Math.min(this.high, psn + 1));
    const waiting = this.expected <= psn ? this.ahead.psnsFrom(this.expected) : [];
    for (const next of waiting) {
      if (next > psn || this.expected > psn) break;
      if (next < this.expected) continue;
      this.stepOver(next);
      this.acceptKept(this.ahead.get(next)!, next);
    }
    if (this.expected <= psn) this.stepOver(psn + 1);
    this.acceptRun();
    this.ahead.settleBelow(this.expected);
  }

  /** A NAK: the responder has everything before `psn` and nothing from there on. */
  rewind(psn: number): void {
    if (psn < this.start && this.start - psn <= EARLIER_WINDOW) this.restart(psn);
    else if (psn < this.expected && psn >= this.acked) this.expected = psn;
    if (psn === this.expected) this.ahead.clear();
  }

  /** What the path MTU of the responses tells about the extent of the last READ. */
  resizeRead(): void {
    const end = this.assembler.resizeRead();
    if (end !== undefined) this.moveEnd(end);
  }

  /** The last response to the last READ had `psn`. */
  endRead(psn: number): void {
    const end = this.assembler.sizeRead(psn + 1);
    if (end !== undefined) this.moveEnd(end);
  }

  /** No more packets will come. In a capture without responses, what is ahead counts. */
  finish(): void {
    if (!this.ahead.isEmpty && this.lastResponseNs < 0) this.settleThrough(this.ahead.highest);
    this.ahead.clear();
    this.assembler.abandon();
  }

  /** No response has come since the gap opened. */
  private get unanswered(): boolean {
    return this.lastResponseNs < this.ahead.sinceNs;
  }

  private accept(from: StreamPacket, psn: number): void {
    this.latestFrame = from.frame;
    this.latestNs = from.timeNs;
    this.ahead.settle(psn);
    const again = psn < this.high ? this.assembler.endOfKnown(psn) : undefined;
    if (again !== undefined) {
      this.expected = Math.min(again, this.high);
      return;
    }
    this.expected = this.assembler.accept(from, psn);
    if (this.expected > this.high) this.high = this.expected;
    const { packet } = from;
    if (!opcodeHas(packet.opcode, OpcodeFlag.STARTS)) return;
    const read = packet.opcode === Opcode.RC_RDMA_READ_REQUEST;
    this.history.note(packet, psn, read ? psn + this.mtu.most(packet.dmaLength) - 1 : psn);
  }

  /** A duplicate, or a packet that the capture holds much later than it was on the wire. */
  private takeBehind(from: StreamPacket, psn: number): void {
    if (this.inGap(psn) && this.assembler.acceptLate(from, psn)) this.facts.missingPackets--;
    else this.facts.duplicates++;
  }

  private inGap(psn: number): boolean {
    return this.gaps.some(({ from, to }) => from <= psn && psn < to);
  }

  private putAhead(from: StreamPacket, psn: number): void {
    this.facts.outOfSequence++;
    this.ahead.add(psn, from);
    if (!this.unanswered) return;
    const waited = this.ahead.arrivals >= GAP_PACKETS || from.timeNs - this.ahead.sinceNs >= GAP_NS;
    if (waited) this.settleThrough(this.ahead.highest);
    else if (this.lastResponseNs < 0 && this.runReaches(psn)) this.settleThrough(psn);
  }

  /** Everything from the expected PSN to `psn` came just now: frames out of order in a capture without responses. */
  private runReaches(psn: number): boolean {
    for (let at = this.expected; at <= psn; at++) {
      const kept = this.ahead.get(at);
      if (kept === undefined || kept.timeNs < this.latestNs - REORDER_NS) return false;
    }
    return true;
  }

  /** The packets that follow on without a gap, unless they are older than the last one accepted and thus were dropped. */
  private acceptRun(): void {
    for (;;) {
      const next = this.ahead.get(this.expected);
      if (next === undefined || next.frame < this.latestFrame) return;
      this.acceptKept(next, this.expected);
    }
  }

  private acceptKept(kept: StreamPacket, psn: number): void {
    this.facts.outOfSequence--;
    this.accept(kept, psn);
  }

  /** What was captured before a NAK turned out to count after all. */
  private passOver(to: number): void {
    this.facts.missingPackets += this.assembler.passOver(to);
    this.expected = to;
  }

  private stepOver(to: number): void {
    const end = this.assembler.sizeRead(to);
    if (end !== undefined) this.moveEnd(end);
    if (to <= this.expected) return;
    this.facts.missingPackets += to - this.expected;
    this.facts.resynchronisations++;
    if (this.gaps.push({ from: this.expected, to }) > MAX_GAPS) this.gaps.shift();
    this.assembler.gap(this.expected, to);
    this.expected = to;
    if (to > this.high) this.high = to;
  }

  private sizeRead(packet: Packet, psn: number): void {
    const end = this.assembler.sizeRead(psn, packet);
    if (end !== undefined) this.moveEnd(end);
  }

  /** The READ at the end of the flow turned out to end elsewhere than assumed. */
  private moveEnd(end: number): void {
    if (this.expected === this.high) this.expected = end;
    this.high = end;
  }

  /** The flow began earlier than its first captured packet: go-back-N reached below it. */
  private restart(psn: number): void {
    this.start = psn;
    this.expected = psn;
    this.acked = Math.min(this.acked, psn);
    this.assembler.withdraw();
  }
}
