/**
 * The op language: programs of memory, file and RDMA operations, and what a kernel does when they run.
 *
 * A program is text, one op per line (`op-table.ts` has all ops and arguments). A run is a list of steps, each with a
 * result and events, in the form in which real kernels were recorded.
 */
export { describeEvent } from './describe.js';
export { parseLine, parseProgram, printOp, type Op } from './parse-program.js';
export { printStep } from './print-step.js';
export { ADVICES, type MapKind } from './op-table.js';
export { ProgramError } from './program-error.js';
export { recordRun } from './record-run.js';
export type { ByteRun, FinalFile, RecordedEvent, RecordedStep, Recording } from './recorded.js';
export { runProgram, withImplicitExit, type ProgramRun, type ProgramWatch } from './run-program.js';
