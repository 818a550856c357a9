import type { NicMkey } from './mkey-table.js';
import type { WcStatus } from './wc-status.js';

/** enum ibv_wr_opcode without its prefix; immediates and invalidations are fields. */
export type WrOpcode =
  'SEND' | 'RDMA_WRITE' | 'RDMA_READ' | 'ATOMIC_CMP_AND_SWP' | 'ATOMIC_FETCH_AND_ADD' | 'FLUSH' | 'ATOMIC_WRITE';

/** struct ibv_sge: bytes of a registered region. */
export interface Sge {
  readonly lkey: number;
  readonly address: number;
  readonly length: number;
}

/** struct ibv_send_wr. */
export interface SendWorkRequest {
  readonly wrId: number;
  readonly opcode: WrOpcode;
  /** Bytes, 0 to 2^31; 8 for atomics. */
  readonly length: number;
  /**
   * The requester's side of the data: bytes of a host whose memory is not modelled (the source of SEND and WRITE, the
   * target of READ), a registered region, or null where nobody cares what the bytes are. Must not change until the
   * request has completed.
   */
  readonly local: Uint8Array | Sge | null;
  /** Where the data begins in `local`, if that is bytes; default 0. */
  readonly localOffset?: number;
  readonly remoteAddress?: number;
  readonly rkey?: number;
  /** SEND and RDMA_WRITE with immediate data. */
  readonly immediate?: number;
  /** SEND with invalidate: the rkey that the other side gives up. */
  readonly invalidateRkey?: number;
  readonly compare?: bigint;
  /** The value to swap in, or to add. */
  readonly swapOrAdd?: bigint;
  /** FLUSH: bit 0 global visibility, bit 1 persistence. */
  readonly placement?: number;
  /** FLUSH: 0 the range, 1 the whole region. */
  readonly selectivity?: number;
  /** Whatever the caller wants to find again in the DMA operations of this request; default 0. */
  readonly mark?: number;
}

/** struct ibv_recv_wr. */
export interface RecvWorkRequest {
  readonly wrId: number;
  /** Where the message goes; null discards it. */
  readonly local: Uint8Array | Sge | null;
  /** Bytes that fit. */
  readonly length: number;
}

/** A send work request on its queue: struct of what the requester knows of it. */
export class SendWqe {
  readonly wrId: number;
  readonly opcode: WrOpcode;
  readonly length: number;
  readonly remoteAddress: number;
  readonly mark: number;
  /** The local bytes, if they are a host's. */
  readonly bytes: Uint8Array | null;
  readonly bytesOffset: number;
  /** The local region and the address in it, if they are a region's. */
  readonly mkey: NicMkey | null;
  readonly localAddress: number;
  /** First PSN; a READ's responses take their PSNs from here on. */
  firstPsn = 0;
  /** PSNs that it takes. */
  packets = 1;
  /** True if it completes by a response of its own and not by an ACK. */
  readonly wantsResponse: boolean;
  /** True while it counts as an outstanding READ or atomic: asked for, not answered. */
  asked = false;
  /** Packets of its response that have come in, and the bytes in them. */
  answered = 0;
  received = 0;
  /** The status in which it will complete when everything before it has; null while nothing is wrong. */
  failure: WcStatus | null = null;

  constructor(
    readonly request: SendWorkRequest,
    mkey: NicMkey | null,
  ) {
    const { local } = request;
    this.wrId = request.wrId;
    this.opcode = request.opcode;
    this.length = request.length;
    this.remoteAddress = request.remoteAddress ?? 0;
    this.mark = request.mark ?? 0;
    this.wantsResponse = request.opcode !== 'SEND' && request.opcode !== 'RDMA_WRITE';
    this.bytes = local instanceof Uint8Array ? local : null;
    this.bytesOffset = request.localOffset ?? 0;
    this.mkey = mkey;
    this.localAddress = local !== null && !(local instanceof Uint8Array) ? local.address : 0;
  }

  /** True if its packets carry data, so that a registered source must be fetched. */
  get carriesData(): boolean {
    return this.opcode === 'SEND' || this.opcode === 'RDMA_WRITE' || this.opcode === 'ATOMIC_WRITE';
  }

  /** True if its response carries data, so that a registered target must be writable. */
  get bringsData(): boolean {
    return this.wantsResponse && this.opcode !== 'FLUSH' && this.opcode !== 'ATOMIC_WRITE';
  }
}
