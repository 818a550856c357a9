/**
 * Linux's software NIC, rdma_rxe: the device that the recorded programs ran with.
 *
 * Unlike `nic/` it has no wire and no timing: a work request is a call that returns its completion status.
 */
export { RxeDevice } from './rxe-device.js';
export type { RxeMr } from './rxe-mr.js';
