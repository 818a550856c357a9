/**
 * A device in software that mirrors processes, after lib/test_hmm.c: the driver contract at its smallest. Whoever writes a
 * driver begins with mirror.ts.
 */
export { MirrorDevice } from './mirror-device.js';
export type { Mirror, MirrorResult } from './mirror.js';
export {
  MIRROR_PROT_ERROR,
  MIRROR_PROT_NONE,
  MIRROR_PROT_PMD,
  MIRROR_PROT_READ,
  MIRROR_PROT_WRITE,
  MIRROR_PROT_ZERO,
} from './snapshot.js';
