import { driverPlugin } from '../contract/index.js';
import { PinnedDriver } from './pinned-driver.js';

/**
 * The legacy driver with long-term pins, as a plugin. What its pins do to file data is not written here: it follows.
 */
export const pinned = driverPlugin(
  { name: 'pinned', title: 'legacy long-term pin: pages pinned at registration', onDemandPaging: false },
  (hardware, kernel) => new PinnedDriver(hardware, kernel),
);

export { PinnedDriver } from './pinned-driver.js';
