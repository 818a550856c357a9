/**
 * Conformance: recorded programs, run again on the emulator and compared with what a real kernel did.
 */
export { conform } from './conform.js';
export { LEVELS, type Level } from './levels.js';
export { packRecordings } from './pack.js';
export { conformJson, conformText, conforms } from './report.js';
