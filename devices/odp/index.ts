import { EVERY_NIC_DRIVER, driverPlugin } from '../contract/index.js';
import { OdpDriver } from './odp-driver.js';

/**
 * The ODP driver, as a plugin. This folder is the driver alone: what it does to its device goes through the contract.
 */
export const odp = driverPlugin(
  {
    name: 'odp',
    title: 'on-demand paging: no pins, page faults and mmu notifiers',
    onDemandPaging: true,
    capabilities: [...EVERY_NIC_DRIVER, 'IBV_ODP_SUPPORT', 'IBV_ADVISE_MR_ADVICE_PREFETCH'],
  },
  (hardware, kernel) => new OdpDriver(hardware, kernel),
);

export { OdpDriver } from './odp-driver.js';
export type { UmemOdp } from './umem-odp.js';
