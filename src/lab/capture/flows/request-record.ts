import { Opcode, OpcodeFlag, opcodeHas } from '../../../../devices/nic/wire/index.js';
import type { CapturedCompletion, CapturedRequest, CompletionStatus } from './captured-request.js';
import type { Operation } from './operation.js';
import type { FlowFacts } from './flow.js';
import type { PayloadBuffer } from './payload-buffer.js';
import type { StreamPacket } from '../packets/index.js';

/** `open`: still growing. `cancelled`: it turned out not to be one, and leaves no trace. */
type EntryState = 'open' | 'ready' | 'cancelled';

/** A request while it is put together and until its response has been seen. PSNs are unwrapped: they do not go round. */
export class RequestRecord {
  readonly kind = 'request';
  state: EntryState = 'open';
  /** Given when it leaves the queue. */
  index = -1;
  emitted = false;
  complete = false;
  readonly flow: FlowFacts;
  readonly operation: Operation;
  readonly frame: number;
  readonly offset: number;
  readonly timeNs: number;
  lastTimeNs: number;
  readonly firstPsn: number;
  /** Of its packets, or of the responses that a READ takes; so far, while it is open. */
  lastPsn: number;
  readonly vaHi: number;
  readonly vaLo: number;
  readonly rKey: number;
  length: number;
  /** Bytes that its packets carried, by their own lengths; lost packets count as full. */
  received = 0;
  /** Of these, the bytes that the capture holds. */
  captured = 0;
  /** Path MTU of its packets, from the first of them. */
  packetMtu = 0;
  payload: PayloadBuffer | null = null;
  solicited = false;
  immediate: number | undefined = undefined;
  invalidateRKey: number | undefined = undefined;
  readonly compare: bigint | undefined;
  readonly swapOrAdd: bigint | undefined;
  readonly placement: number | undefined;
  readonly selectivity: number | undefined;
  rnrNaks = 0;

  constructor(from: StreamPacket, flow: FlowFacts, operation: Operation, psn: number) {
    const { packet } = from;
    const atomic = opcodeHas(packet.opcode, OpcodeFlag.ATOMIC);
    const flush = packet.opcode === Opcode.RC_FLUSH;
    this.flow = flow;
    this.operation = operation;
    this.frame = from.frame;
    this.offset = from.offset;
    this.timeNs = from.timeNs;
    this.lastTimeNs = from.timeNs;
    this.firstPsn = psn;
    this.lastPsn = psn;
    this.vaHi = packet.vaHi;
    this.vaLo = packet.vaLo;
    this.rKey = packet.rKey;
    this.length = atomic ? 8 : packet.dmaLength;
    this.compare = packet.opcode === Opcode.RC_CMP_SWAP ? packet.compare : undefined;
    this.swapOrAdd = atomic ? packet.swapOrAdd : undefined;
    this.placement = flush ? packet.placement : undefined;
    this.selectivity = flush ? packet.selectivity : undefined;
  }

  /** READs, atomics, FLUSH and ATOMIC WRITE have a response of their own, which no later ACK stands in for. */
  get needsOwnResponse(): boolean {
    return this.operation !== 'SEND' && this.operation !== 'RDMA_WRITE';
  }

  /** Its packets carry payload towards the responder. */
  get carries(): boolean {
    return this.operation === 'SEND' || this.operation === 'RDMA_WRITE' || this.operation === 'ATOMIC_WRITE';
  }

  /** The end was not seen, and will not be waited for. */
  giveUp(): void {
    if (this.state !== 'open') return;
    this.state = 'ready';
    this.flow.incompleteRequests++;
  }

  /** Hands over the payload: the record keeps none of it. */
  toCapturedRequest(): CapturedRequest {
    const payload = this.payload?.take() ?? null;
    const held = this.payload?.held ?? this.captured;
    this.payload = null;
    return {
      index: this.index,
      frame: this.frame,
      offset: this.offset,
      timeNs: this.timeNs,
      flow: this.flow,
      operation: this.operation,
      remoteAddress: (BigInt(this.vaHi) << 32n) | BigInt(this.vaLo),
      rKey: this.rKey,
      length: this.length,
      payload,
      payloadMissing: this.carries ? this.length - held : 0,
      complete: this.complete,
      solicited: this.solicited,
      immediate: this.immediate,
      invalidateRKey: this.invalidateRKey,
      compare: this.compare,
      swapOrAdd: this.swapOrAdd,
      placement: this.placement,
      selectivity: this.selectivity,
    };
  }
}

/** The response that ends a request; it stands in the queue where the response was seen. */
export class CompletionRecord {
  readonly kind = 'completion';
  readonly state = 'ready';
  /** Of its place in the queue: never in front of the request, even if the capture holds the response first. */
  readonly frame: number;
  readonly timeNs: number;

  constructor(
    readonly request: RequestRecord,
    readonly responseFrame: number,
    timeNs: number,
    readonly status: CompletionStatus,
    readonly originalData: bigint | undefined,
  ) {
    this.frame = Math.max(responseFrame, request.frame);
    this.timeNs = Math.max(timeNs, request.timeNs);
  }

  get rttNs(): number {
    return this.timeNs - this.request.timeNs;
  }

  toCapturedCompletion(): CapturedCompletion {
    return {
      requestIndex: this.request.index,
      frame: this.responseFrame,
      timeNs: this.timeNs,
      status: this.status,
      rttNs: this.rttNs,
      rnrNaks: this.request.rnrNaks,
      originalData: this.originalData,
    };
  }
}

/** Keeps the place of requests that may yet turn out to have begun here: packets ahead of a gap. */
export class HoldRecord {
  readonly kind = 'hold';
  state: EntryState = 'open';

  constructor(
    readonly frame: number,
    private readonly whenGivenUp: () => void,
  ) {}

  /** Nothing will be put in its place any more. */
  giveUp(): void {
    this.release();
    this.whenGivenUp();
  }

  release(): void {
    this.state = 'cancelled';
  }
}
