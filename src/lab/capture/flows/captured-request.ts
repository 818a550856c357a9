import type { Flow } from './flow.js';
import type { Operation } from './operation.js';

/** One work request, put together from its packets. */
export interface CapturedRequest {
  /** Counts from 0 in the order in which requests are yielded. */
  readonly index: number;
  /** Its first packet: frame number, counted from 1, offset of the record in the file, and time since the first frame. */
  readonly frame: number;
  readonly offset: number;
  readonly timeNs: number;
  readonly flow: Flow;
  readonly operation: Operation;
  /** From RETH or AtomicETH; 0 for a SEND. */
  readonly remoteAddress: bigint;
  readonly rKey: number;
  /** Bytes of the whole operation: DMALength, 8 for an atomic, what the packets carried for a SEND. */
  readonly length: number;
  /**
   * The bytes of a SEND, RDMA WRITE or ATOMIC WRITE; null for operations that carry none, and when payloads were not
   * asked for. Holes are zero-filled; it ends with the last byte the capture holds, which may be short of `length`.
   */
  readonly payload: Uint8Array | null;
  /** Bytes of `length` that the capture does not hold, because of its snaplen or of lost frames. */
  readonly payloadMissing: number;
  /** False when the end of the message was never seen. */
  readonly complete: boolean;
  readonly solicited: boolean;
  readonly immediate: number | undefined;
  /** The rkey that a SEND with Invalidate takes from the responder. */
  readonly invalidateRKey: number | undefined;
  /** Atomics only. */
  readonly compare: bigint | undefined;
  readonly swapOrAdd: bigint | undefined;
  /** FLUSH only: FETH placement type and selectivity level. */
  readonly placement: number | undefined;
  readonly selectivity: number | undefined;
}

/** How a request ended, by the names of `ibv_wc_status`. */
export type CompletionStatus =
  'IBV_WC_SUCCESS' | 'IBV_WC_WR_FLUSH_ERR' | 'IBV_WC_REM_INV_REQ_ERR' | 'IBV_WC_REM_ACCESS_ERR' | 'IBV_WC_REM_OP_ERR';

/** The response that ended a request, as the capture saw it. */
export interface CapturedCompletion {
  /** {@link CapturedRequest.index}; the request has always been yielded before. */
  readonly requestIndex: number;
  /** Frame number of the response. */
  readonly frame: number;
  readonly timeNs: number;
  readonly status: CompletionStatus;
  /** From the first packet of the request to this response, retransmissions and RNR waits included. */
  readonly rttNs: number;
  /** RNR NAKs that the request met on the way. */
  readonly rnrNaks: number;
  /** Atomics: the value before the operation. */
  readonly originalData: bigint | undefined;
}

/** What a capture tells, one after the other. */
export type CaptureEvent =
  | { readonly kind: 'request'; readonly request: CapturedRequest }
  | { readonly kind: 'completion'; readonly completion: CapturedCompletion };
