/**
 * Floor 6. What people do with the emulator: captures read, replayed, judged and compared.
 *
 * Drives kernel and devices through their faces. It does not import the checks: whoever wants a run watched hands it
 * monitors.
 */
export * from './capture/index.js';
export * from './compare/index.js';
export * from './replay/index.js';
export * from './verdict/index.js';
export {
  ProgramError,
  parseProgram,
  printOp,
  printStep,
  recordRun,
  runProgram,
  withImplicitExit,
  type Op,
  type ProgramRun,
  type ProgramWatch,
} from './program/index.js';
export {
  SECTIONS,
  devicePage,
  findOperations,
  operationJson,
  operationPrograms,
  operationText,
} from './operations/index.js';
export { KINDS, fuzzOne, type FuzzResult } from './fuzz/index.js';
export {
  LEVELS,
  conform,
  conformJson,
  conformMarkdown,
  conformText,
  conforms,
  packRecordings,
  type Level,
  type ProgramComparison,
} from './conform/index.js';
