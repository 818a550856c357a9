import { LINUX_WRITEBACK_TIMERS, NVME } from '../../src/fs/index.js';
import type { CompareOptions } from '../../src/lab/index.js';
import { CONNECTX } from '../../devices/nic/index.js';
import { odp } from '../../devices/odp/index.js';
import { pinned } from '../../devices/pinned/index.js';

/** What `pinless compare` uses if nothing is said, but for the rules. */
export function defaults(capture: string, changes: Partial<CompareOptions> = {}): CompareOptions {
  return {
    capture,
    seed: 1,
    fileSystem: 'ext4',
    fsyncPeriod: 50_000_000,
    writeback: LINUX_WRITEBACK_TIMERS,
    disk: NVME,
    device: CONNECTX,
    memory: 2 ** 34,
    content: 'written',
    asFastAsPossible: false,
    icrc: 'check',
    drivers: [pinned, odp],
    monitors: [],
    ...changes,
  };
}
