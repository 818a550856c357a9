import { IBV_ACCESS_LOCAL_WRITE } from '../contract/index.js';
import type { WcStatus } from './wc-status.js';
import type { SendWqe } from './work-request.js';

/**
 * What is wrong with the requester's side of a request when it is posted: the region must exist, cover the bytes, and
 * may be written if data comes back.
 */
export function localFault(wqe: SendWqe): WcStatus | null {
  const { local } = wqe.request;
  if (local === null || !(wqe.carriesData || wqe.bringsData)) return null;
  const available = local.length - (local instanceof Uint8Array ? wqe.bytesOffset : 0);
  if (available < wqe.length) return 'IBV_WC_LOC_LEN_ERR';
  if (local instanceof Uint8Array) return null;
  const { mkey } = wqe;
  if (mkey?.covers(local.address, local.length) !== true) return 'IBV_WC_LOC_PROT_ERR';
  if (wqe.bringsData && (mkey.access & IBV_ACCESS_LOCAL_WRITE) === 0) return 'IBV_WC_LOC_PROT_ERR';
  return null;
}
