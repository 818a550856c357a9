import { IBV_ACCESS_LOCAL_WRITE } from '../contract/index.js';
import type { MkeyTable, NicMkey } from './mkey-table.js';
import type { WcStatus } from './wc-status.js';
import type { SendWorkRequest, SendWqe } from './work-request.js';

/** The key that a request names for its local side; null if it names none, or none that exists. */
export function localKey({ local }: SendWorkRequest, mkeys: MkeyTable): NicMkey | null {
  return local === null || local instanceof Uint8Array ? null : mkeys.lookup(local.lkey);
}

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
