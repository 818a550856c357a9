/**
 * Floor 7. The conformance kit: what a driver is tried with, and what the verdict is.
 *
 * A suite is a list of tests; a test runs a plugin once for each seed, under the rules, and says how that went. Portable tests
 * know no device: they use processes' memory through `TriedDevice`, which is a NIC with the driver or a device of its own.
 * Neither threads nor files nor the command line live here: `pinless check-driver` and `describeDriver` bring those.
 */
export { subjectOf, type Subject } from './subject.js';
export { SUITES } from './suites/index.js';
export { testAt, testsFor, type Selected } from './select.js';
export { isEnough, runBatch, untilEnough, type Batch } from './run-batch.js';
export { whyNot } from './suite.js';
export { verdictOf, type Tried } from './verdict.js';
export { failureText, verdictJson, verdictText } from './print-verdict.js';
export { underTheRules } from './watch/under-the-rules.js';
