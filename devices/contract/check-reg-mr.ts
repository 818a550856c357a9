import { Errno, PAGE_SIZE, hex } from '../../src/base/index.js';
import { IBV_ACCESS_LOCAL_WRITE, IBV_ACCESS_REMOTE_ATOMIC, IBV_ACCESS_REMOTE_WRITE } from './access-flags.js';
import type { RegMrRequest } from './device-driver.js';

/**
 * What a registration may not ask for, whatever the driver: ib_check_mr_access, and that a page of the region is a page
 * of the key.
 *
 * @throws Errno EINVAL for remote write or atomic rights without local write; for an iova that does not lie in its page
 *   as `start` does in its own
 */
export function checkRegMr({ start, access, iova = start }: RegMrRequest): void {
  const remote = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC;
  if ((access & remote) !== 0 && (access & IBV_ACCESS_LOCAL_WRITE) === 0) {
    throw new Errno('EINVAL', `reg_mr: access 0x${access.toString(16)} has remote write or atomic without local write`);
  }
  if (iova % PAGE_SIZE !== start % PAGE_SIZE) {
    throw new Errno('EINVAL', `reg_mr: iova ${hex(iova)} and start ${hex(start)} differ modulo ${String(PAGE_SIZE)}`);
  }
}
