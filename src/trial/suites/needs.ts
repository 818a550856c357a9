import type { Needs } from '../suite.js';

/** Asked of every driver and device, pins or not. */
export const EVERYBODY: Needs = { nic: [], svm: [], pins: null };

/** What a pin does to what the CPU does with the page afterwards is no mistake of its driver. */
const KEEPS = 'a driver that pins keeps the pages that it has, whatever the CPU does to the mapping';

/** Asked of whoever follows the page tables, by RDMA READ and WRITE. */
export const FOLLOWS: Needs = {
  nic: ['IBV_ODP_SUPPORT', 'IBV_ODP_SUPPORT_READ', 'IBV_ODP_SUPPORT_WRITE'],
  svm: [],
  pins: KEEPS,
};

/** Asked of whoever reads and writes memory. */
export const TRANSFERS: Needs = { nic: ['IBV_ODP_SUPPORT_READ', 'IBV_ODP_SUPPORT_WRITE'], svm: [], pins: null };
