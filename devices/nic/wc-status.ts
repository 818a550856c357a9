import { NakCode } from './wire/index.js';

/** enum ibv_wc_status, in its order: the index is the value. */
export const IBV_WC_STATUS = [
  'IBV_WC_SUCCESS',
  'IBV_WC_LOC_LEN_ERR',
  'IBV_WC_LOC_QP_OP_ERR',
  'IBV_WC_LOC_EEC_OP_ERR',
  'IBV_WC_LOC_PROT_ERR',
  'IBV_WC_WR_FLUSH_ERR',
  'IBV_WC_MW_BIND_ERR',
  'IBV_WC_BAD_RESP_ERR',
  'IBV_WC_LOC_ACCESS_ERR',
  'IBV_WC_REM_INV_REQ_ERR',
  'IBV_WC_REM_ACCESS_ERR',
  'IBV_WC_REM_OP_ERR',
  'IBV_WC_RETRY_EXC_ERR',
  'IBV_WC_RNR_RETRY_EXC_ERR',
] as const;

/** One of IBV_WC_STATUS. */
export type WcStatus = (typeof IBV_WC_STATUS)[number];

/** How the request of a NAK completes (IBTA 9.9.2.3). */
export const NAK_STATUS: Readonly<Record<number, WcStatus>> = {
  [NakCode.INVALID_REQUEST]: 'IBV_WC_REM_INV_REQ_ERR',
  [NakCode.REMOTE_ACCESS_ERROR]: 'IBV_WC_REM_ACCESS_ERR',
  [NakCode.REMOTE_OPERATIONAL_ERROR]: 'IBV_WC_REM_OP_ERR',
  [NakCode.INVALID_RD_REQUEST]: 'IBV_WC_REM_INV_REQ_ERR',
};
