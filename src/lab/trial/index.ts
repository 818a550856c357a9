/** What a driver is tried with, besides programs: storms of RDMA among system calls. */
export { stormRound, type StormWatch } from './storm.js';
