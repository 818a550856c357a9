/** enum ibv_advise_mr_advice, without IBV_ADVISE_MR_ADVICE_. */
export type AdviseMrAdvice =
  /** bring the pages, for reading */
  | 'PREFETCH'
  /** bring the pages, for writing too */
  | 'PREFETCH_WRITE'
  /** map what the CPU has mapped, and fault nothing in */
  | 'PREFETCH_NO_FAULT';

/** struct ibv_sge: bytes of a registered region, by the addresses of its key. */
export interface AdviseMrSge {
  readonly lkey: number;
  readonly address: number;
  readonly length: number;
}

/** ibv_advise_mr. */
export interface AdviseMrRequest {
  readonly advice: AdviseMrAdvice;
  /** IBV_ADVISE_MR_FLAG_FLUSH: it has been done when the call returns. Without, it is done some time, or not. */
  readonly flush: boolean;
  /** At least one. */
  readonly sgList: readonly AdviseMrSge[];
}
