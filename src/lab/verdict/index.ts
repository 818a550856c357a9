/**
 * The verdict: what users were promised about their data, and what a power loss left of it.
 *
 * Computed from stamps alone. Nothing here knows drivers, pins or policies.
 */
export { AcknowledgedData } from './acknowledged-data.js';
export { judge, type Verdict } from './verdict.js';
