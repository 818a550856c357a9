import { devicePlugin } from '../contract/index.js';
import { MirrorDevice } from './mirror-device.js';

/**
 * A device in software that mirrors processes, after lib/test_hmm.c: the driver contract at its smallest, as a plugin. Whoever
 * writes a driver begins with mirror.ts.
 */
export const mirror = devicePlugin(
  {
    name: 'mirror',
    title: 'software mirror of a process, after lib/test_hmm.c',
    onDemandPaging: true,
    capabilities: ['SNAPSHOT', 'EXCLUSIVE'],
  },
  (name) => new MirrorDevice(name),
);

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
