import { RXE, type DeviceProfile, type PageCost } from '../../../devices/nic/index.js';

const FREE: PageCost = { base: 0, perPage: 0 };

/**
 * A device for which nothing takes time: everything that it does may then come before or after anything else. What is
 * explored is the order of what happens at one instant; times say nothing about correctness.
 */
export const UNTIMED: DeviceProfile = {
  ...RXE,
  name: 'untimed',
  source: 'none: all times are 0',
  dma: { writeLatency: 0, readLatency: 0, bytesPerSecond: Infinity },
  odp: {
    ...RXE.odp,
    trigger: FREE,
    driver: FREE,
    update: FREE,
    resume: 0,
    invalidate: { check: FREE, update: FREE, bookkeeping: FREE },
  },
  registration: { register: FREE, deregister: FREE },
};
