/**
 * Conformance: recorded programs, run again on the emulator and compared with what a real kernel did.
 */
export { type Comparison as ProgramComparison } from './compare-run.js';
export { conform } from './conform.js';
export { conformMarkdown } from './fidelity.js';
export { LEVELS, type Level } from './levels.js';
export { packRecordings } from './pack.js';
export { conformJson, conformText, conforms } from './report.js';
