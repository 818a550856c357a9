/**
 * The comparison: one capture, one file, one writeback; a column per driver and policy.
 *
 * Runs the columns and reports them. What happens in a column is the emulator's; what it means is the verdict's.
 */
export type { ColumnResult, Refusal } from './column.js';
export { compare, type Comparison } from './compare.js';
export type { Monitor, MonitoredRun } from './monitor.js';
export { defaultOptions, type CompareOptions } from './options.js';
export { comparisonJson, foundLoss, type ComparisonJson } from './report-json.js';
export { comparisonText } from './report-text.js';
