/** enum ibv_access_flags, with its values. */
export const IBV_ACCESS_LOCAL_WRITE = 1 << 0;
export const IBV_ACCESS_REMOTE_WRITE = 1 << 1;
export const IBV_ACCESS_REMOTE_READ = 1 << 2;
export const IBV_ACCESS_REMOTE_ATOMIC = 1 << 3;
export const IBV_ACCESS_MW_BIND = 1 << 4;
export const IBV_ACCESS_ON_DEMAND = 1 << 6;
export const IBV_ACCESS_HUGETLB = 1 << 7;
export const IBV_ACCESS_FLUSH_GLOBAL = 1 << 8;
export const IBV_ACCESS_FLUSH_PERSISTENT = 1 << 9;

const WRITES = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND;

/** ib_access_writable: whether registering with these rights lets the device write. */
export function isWritable(access: number): boolean {
  return (access & WRITES) !== 0;
}
