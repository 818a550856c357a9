/** The operations of an RC queue pair, by ibverbs' work request names where it has one. */
export const OPERATIONS = [
  'SEND',
  'RDMA_WRITE',
  'RDMA_READ',
  'ATOMIC_CMP_AND_SWP',
  'ATOMIC_FETCH_AND_ADD',
  'FLUSH',
  'ATOMIC_WRITE',
] as const;

/** One of OPERATIONS. */
export type Operation = (typeof OPERATIONS)[number];
