import { Opcode, OpcodeFlag, opcodeHas, opcodeName, psnCount } from '../../../../devices/nic/wire/index.js';
import type { Packet } from '../../../../devices/nic/wire/index.js';
import type { Operation } from './operation.js';
import { contradiction } from './contradiction.js';
import type { EventQueue } from './event-queue.js';
import type { FlowFacts } from './flow.js';
import type { OutstandingRequests } from './outstanding-requests.js';
import type { PathMtu } from './path-mtu.js';
import { PayloadBuffer } from './payload-buffer.js';
import { RequestRecord } from './request-record.js';
import type { SkipLedger, StreamPacket } from '../packets/index.js';

/** Where the requests of all flows go. */
export interface RequestSink {
  readonly queue: EventQueue;
  readonly skips: SkipLedger;
  readonly collectPayloads: boolean;
}

/** Puts messages together from the packets that the responder accepted, in PSN order and without repetitions. */
export class MessageAssembler {
  private open: RequestRecord | undefined = undefined;
  /** The PSN that `open` continues with. */
  private next = 0;
  /** The next Middle or Last packet belongs to a message whose beginning is not here, through no fault of its own. */
  private headLost = true;
  /** An RDMA READ at the very end whose number of PSNs the path MTU leaves open. */
  private unsizedRead: RequestRecord | undefined = undefined;

  constructor(
    private readonly facts: FlowFacts,
    private readonly mtu: PathMtu,
    private readonly outstanding: OutstandingRequests,
    private readonly sink: RequestSink,
  ) {}

  /** Takes the packet at `psn` and returns the PSN behind it. */
  accept(from: StreamPacket, psn: number): number {
    this.next = psn + 1;
    return opcodeHas(from.packet.opcode, OpcodeFlag.STARTS) ? this.begin(from, psn) : this.proceed(from, psn);
  }

  /** Takes a whole request at a PSN that was given up for missing. False when it is no whole request, or here already. */
  acceptLate(from: StreamPacket, psn: number): boolean {
    const whole = opcodeHas(from.packet.opcode, OpcodeFlag.STARTS) && opcodeHas(from.packet.opcode, OpcodeFlag.ENDS);
    if (!whole || this.open !== undefined || this.outstanding.find(psn) !== undefined) return false;
    const unsized = this.unsizedRead;
    this.begin(from, psn);
    this.unsizedRead = unsized;
    return true;
  }

  /**
   * Where the packet at `psn` is told about already, the PSN behind what need not be put together again; undefined where
   * it adds something.
   */
  endOfKnown(psn: number): number | undefined {
    const { open } = this;
    if (open !== undefined && psn >= open.firstPsn) return psn < this.next ? psn + 1 : undefined;
    const known = this.outstanding.find(psn);
    if (known !== undefined) return known.operation === 'RDMA_READ' ? known.lastPsn + 1 : psn + 1;
    return open === undefined ? undefined : psn + 1;
  }

  /**
   * A packet at `psn` follows an RDMA READ of unknown extent: returns the PSN behind that READ, if there is one and the
   * packet does not repeat the end of it.
   */
  sizeRead(psn: number, packet?: Packet): number | undefined {
    const read = this.unsizedRead;
    if (read === undefined || psn <= read.firstPsn) return undefined;
    if (packet !== undefined && repeatsEnd(read, packet)) return undefined;
    return this.endRead(read, this.mtu.followedAfter(read.length, psn - read.firstPsn));
  }

  /** True when `packet` at `psn` can be a response to the READ of unknown extent. */
  mayAnswerRead(packet: Packet, psn: number): boolean {
    const read = this.unsizedRead;
    if (read === undefined || !opcodeHas(packet.opcode, OpcodeFlag.RDMA_READ)) return false;
    return psn >= read.firstPsn && psn < read.firstPsn + this.mtu.most(read.length);
  }

  /** The path MTU may have become known from elsewhere. */
  resizeRead(): number | undefined {
    const read = this.unsizedRead;
    return read !== undefined && this.mtu.settles(read.length)
      ? this.endRead(read, this.mtu.fewest(read.length))
      : undefined;
  }

  /** The responder accepted PSNs `from` to `to` − 1, and the capture does not hold them. */
  gap(from: number, to: number): void {
    const { open } = this;
    this.headLost = true;
    this.next = to;
    if (open === undefined) return;
    if (open.operation === 'RDMA_WRITE' && to <= open.lastPsn) {
      this.hole(open, (to - from) * open.packetMtu);
      return;
    }
    this.open = undefined;
    if (open.operation === 'RDMA_WRITE') {
      open.received = open.length;
      this.finish(open);
    } else {
      open.lastPsn = from - 1;
      open.giveUp();
    }
  }

  /** Goes on at `to`, all known before; returns the packets that the open message lacks all the same. */
  passOver(to: number): number {
    const { open, next } = this;
    if (open === undefined || open.firstPsn >= to || next >= to) return 0;
    this.gap(next, to);
    return to - next;
  }

  /** No more packets will come for the message that is open. */
  abandon(): void {
    this.open?.giveUp();
    this.open = undefined;
    this.headLost = true;
    this.unsizedRead = undefined;
  }

  /** The message that is open was not accepted after all, and will come again from its beginning. */
  withdraw(): void {
    if (this.open === undefined) return;
    this.cancel(this.open);
    this.headLost = true;
  }

  private begin(from: StreamPacket, psn: number): number {
    const { packet } = from;
    if (this.open !== undefined) this.spoil(this.open, from, () => `${opcodeName(packet.opcode)} before its end`);
    const problem = contradiction(packet);
    if (problem !== undefined) {
      this.reject(from.frame, from.offset, () => problem);
      this.headLost = true;
      return psn + 1;
    }
    this.headLost = false;
    const request = new RequestRecord(from, this.facts, operationOf(packet), psn);
    this.outstanding.add(request);
    this.sink.queue.add(request);
    if (request.operation === 'RDMA_READ') return this.beginRead(request);
    const ends = opcodeHas(packet.opcode, OpcodeFlag.ENDS);
    if (ends) {
      this.mtu.atLeast(packet.payloadLength);
    } else {
      this.mtu.exactly(packet.payloadLength, 'packets');
      request.packetMtu = packet.payloadLength;
      this.open = request;
      if (request.operation === 'RDMA_WRITE') {
        request.lastPsn = psn + psnCount(request.length, request.packetMtu) - 1;
      }
    }
    this.take(request, from, psn);
    if (ends) this.finish(request);
    return psn + 1;
  }

  private beginRead(read: RequestRecord): number {
    const next = this.endRead(read, this.mtu.fewest(read.length));
    if (!this.mtu.settles(read.length)) this.unsizedRead = read;
    this.finish(read);
    return next;
  }

  private endRead(read: RequestRecord, psns: number): number {
    read.lastPsn = read.firstPsn + psns - 1;
    this.unsizedRead = undefined;
    return read.lastPsn + 1;
  }

  private proceed(from: StreamPacket, psn: number): number {
    const { packet, frame, offset } = from;
    const { open } = this;
    const name = opcodeName(packet.opcode);
    if (open === undefined) {
      if (this.headLost) this.sink.skips.add('inside-message', frame, offset, () => name);
      else this.reject(frame, offset, () => `${name} outside a message`);
      return psn + 1;
    }
    const ends = opcodeHas(packet.opcode, OpcodeFlag.ENDS);
    const problem = this.misfit(open, packet, ends);
    if (problem !== undefined) {
      this.spoil(open, from, () => `${name} ${problem}`);
      this.headLost = !ends;
      return psn + 1;
    }
    this.take(open, from, psn);
    if (ends) {
      this.open = undefined;
      this.finish(open);
    }
    return psn + 1;
  }

  private misfit(open: RequestRecord, packet: Packet, ends: boolean): string | undefined {
    const { payloadLength } = packet;
    const sends = opcodeHas(packet.opcode, OpcodeFlag.SEND);
    if (sends !== (open.operation === 'SEND')) return `in the middle of ${open.operation}`;
    if (!ends && payloadLength !== open.packetMtu) {
      return `must carry the path MTU of ${open.packetMtu} bytes: got ${payloadLength}`;
    }
    if (payloadLength === 0 || payloadLength > open.packetMtu) {
      return `must carry 1 … ${open.packetMtu} bytes: got ${payloadLength}`;
    }
    if (sends) return undefined;
    const reached = open.received + payloadLength;
    if (ends ? reached === open.length : reached < open.length) return undefined;
    return `brings the message to ${reached} bytes: its DMALength is ${open.length}`;
  }

  private take(request: RequestRecord, from: StreamPacket, psn: number): void {
    const { packet, payloadCaptured } = from;
    const { payload, payloadOffset, payloadLength } = packet;
    request.received += payloadLength;
    request.captured += payloadCaptured;
    request.lastTimeNs = from.timeNs;
    if (request.operation === 'SEND') request.length = request.received;
    if (psn > request.lastPsn) request.lastPsn = psn;
    if (packet.solicitedEvent) request.solicited = true;
    if (opcodeHas(packet.opcode, OpcodeFlag.IMMDT)) request.immediate = packet.immediate;
    if (opcodeHas(packet.opcode, OpcodeFlag.IETH)) request.invalidateRKey = packet.invalidateRKey;
    if (!this.sink.collectPayloads || !request.carries || request.emitted) return;
    const before = request.payload?.capacity ?? 0;
    request.payload ??= new PayloadBuffer(
      request.operation === 'SEND' && request.packetMtu > 0 ? Infinity : request.length,
    );
    request.payload.append(payload, payloadOffset, payloadCaptured, payloadLength);
    this.sink.queue.payloadBytes += request.payload.capacity - before;
  }

  private hole(request: RequestRecord, length: number): void {
    request.received += length;
    if (request.payload === null || request.emitted) return;
    const before = request.payload.capacity;
    request.payload.hole(length);
    this.sink.queue.payloadBytes += request.payload.capacity - before;
  }

  private finish(request: RequestRecord): void {
    // Given up for incomplete before, when the queue could not wait for it.
    if (request.state !== 'open') return;
    request.complete = true;
    request.state = 'ready';
    this.facts.requests[request.operation]++;
    if (request.carries) this.facts.payloadBytes += request.length;
  }

  /** The message cannot be what its packets say; nothing of it is kept. */
  private spoil(request: RequestRecord, by: StreamPacket, detail: () => string): void {
    this.reject(request.frame, request.offset, () => `${detail()} (frame ${by.frame})`);
    this.cancel(request);
  }

  private cancel(request: RequestRecord): void {
    this.open = undefined;
    this.outstanding.remove(request);
    if (request.emitted) return;
    request.state = 'cancelled';
    this.sink.queue.payloadBytes -= request.payload?.capacity ?? 0;
    request.payload = null;
  }

  private reject(frame: number, offset: number, detail: () => string): void {
    this.facts.contradictoryRequests++;
    this.sink.skips.add('contradictory-request', frame, offset, detail);
  }
}

/** An RDMA READ that asks again for the end of `read`: a responder that lost responses is asked so. */
function repeatsEnd(read: RequestRecord, packet: Packet): boolean {
  return (
    packet.opcode === Opcode.RC_RDMA_READ_REQUEST &&
    packet.rKey === read.rKey &&
    packet.dmaLength < read.length &&
    (packet.vaLo + packet.dmaLength) >>> 0 === (read.vaLo + read.length) >>> 0
  );
}

function operationOf(packet: Packet): Operation {
  const { opcode } = packet;
  if (opcodeHas(opcode, OpcodeFlag.SEND)) return 'SEND';
  if (opcodeHas(opcode, OpcodeFlag.RDMA_WRITE)) return 'RDMA_WRITE';
  if (opcodeHas(opcode, OpcodeFlag.RDMA_READ)) return 'RDMA_READ';
  if (opcodeHas(opcode, OpcodeFlag.FLUSH)) return 'FLUSH';
  if (opcodeHas(opcode, OpcodeFlag.ATOMIC_WRITE)) return 'ATOMIC_WRITE';
  return opcode === Opcode.RC_CMP_SWAP ? 'ATOMIC_CMP_AND_SWP' : 'ATOMIC_FETCH_AND_ADD';
}
