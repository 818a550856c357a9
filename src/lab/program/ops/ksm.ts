import { ksmd } from '../../../mm/index.js';
import type { OpHandlers } from '../op-handler.js';

/** The kernel's thread that merges pages with the same contents. */
export const ksmOps = {
  *ksm_scan({ simulation, system }, args) {
    yield simulation.spawn('ksmd', ksmd(system, args.scans));
    const { pagesShared, pagesSharing } = system.ksm.stable;
    return { pages_sharing: pagesSharing, pages_shared: pagesShared };
  },
} satisfies OpHandlers;
