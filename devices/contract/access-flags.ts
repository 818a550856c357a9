import { Errno } from '../../src/base/index.js';

/** enum ibv_access_flags, with its values. */
export const IBV_ACCESS_LOCAL_WRITE = 1 << 0;
export const IBV_ACCESS_REMOTE_WRITE = 1 << 1;
export const IBV_ACCESS_REMOTE_READ = 1 << 2;
export const IBV_ACCESS_REMOTE_ATOMIC = 1 << 3;
export const IBV_ACCESS_MW_BIND = 1 << 4;
export const IBV_ACCESS_ON_DEMAND = 1 << 6;
export const IBV_ACCESS_FLUSH_GLOBAL = 1 << 8;
export const IBV_ACCESS_FLUSH_PERSISTENT = 1 << 9;

const WRITES = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND;

/** ib_access_writable: whether registering with these rights lets the device write. */
export function isWritable(access: number): boolean {
  return (access & WRITES) !== 0;
}

/**
 * ib_check_mr_access.
 * @throws Errno EINVAL for remote write or atomic rights without local write
 */
export function checkMrAccess(access: number): void {
  const remote = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC;
  if ((access & remote) !== 0 && (access & IBV_ACCESS_LOCAL_WRITE) === 0) {
    throw new Errno('EINVAL', `reg_mr: access 0x${access.toString(16)} has remote write or atomic without local write`);
  }
}
