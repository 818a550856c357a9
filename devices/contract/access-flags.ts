/** enum ibv_access_flags, with its values. */
export const IBV_ACCESS_LOCAL_WRITE = 1 << 0;
/** Others may RDMA WRITE; IBV_ACCESS_LOCAL_WRITE goes with it. */
export const IBV_ACCESS_REMOTE_WRITE = 1 << 1;
/** Others may RDMA READ. */
export const IBV_ACCESS_REMOTE_READ = 1 << 2;
/** Others may use atomics; IBV_ACCESS_LOCAL_WRITE goes with it. */
export const IBV_ACCESS_REMOTE_ATOMIC = 1 << 3;
/** Memory windows may be bound to the region. */
export const IBV_ACCESS_MW_BIND = 1 << 4;
/** On-demand paging: no page is pinned. */
export const IBV_ACCESS_ON_DEMAND = 1 << 6;
/** The region consists of huge pages. */
export const IBV_ACCESS_HUGETLB = 1 << 7;
/** Others may FLUSH to global visibility. */
export const IBV_ACCESS_FLUSH_GLOBAL = 1 << 8;
/** Others may FLUSH to persistence. */
export const IBV_ACCESS_FLUSH_PERSISTENT = 1 << 9;

const WRITES = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND;

/** ib_access_writable: whether registering with these rights lets the device write. */
export function isWritable(access: number): boolean {
  return (access & WRITES) !== 0;
}
