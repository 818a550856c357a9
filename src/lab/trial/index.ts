/**
 * What a driver is tried with, besides random programs: every operation that the users' page shows, and storms of DMA among
 * system calls.
 */
export { operationPrograms, type TrialProgram } from './operation-programs.js';
export { stormRound, type StormWatch } from './storm.js';
