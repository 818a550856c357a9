/**
 * The verdict: what users were promised about their data, and what a power loss left of it.
 *
 * Computed from stamps alone. Nothing here knows drivers, pins or policies.
 */
export { AcknowledgedData } from './acknowledged-data.js';
export { PromiseWatch } from './promise-watch.js';
export { NO_HARM, addVerdicts, judge, worseOf, type Verdict } from './verdict.js';
