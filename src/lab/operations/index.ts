/**
 * What each operation does to memory that a device has mapped: small programs in sections, run with the emulator when they
 * are shown, each line of them confirmed by recordings of Linux (test/lab/operations).
 */
export { devicePage } from './device-page.js';
export { findOperations } from './find-operations.js';
export { operationPrograms } from './operation-programs.js';
export { operationJson, operationText } from './print-operation.js';
export { SECTIONS } from './sections/index.js';
