/**
 * What one pass over a capture shows: counts, latencies, and the memory that requests reached.
 *
 * Adds up requests and completions; it reads no file and decides nothing about packets.
 */
export type { CaptureSummary, OperationSummary } from './capture-summary.js';
export { LatencySample } from './latency-sample.js';
export type { LatencySummary } from './latency-sample.js';
export { OperationCounts } from './operation-counts.js';
export { PageRanges } from './page-ranges.js';
export type { VaRange } from './page-ranges.js';
export { RemoteMemory } from './remote-memory.js';
export type { RemoteKey, RemoteKeyEnd } from './remote-memory.js';
export { Silences } from './silences.js';
export type { Silence } from './silences.js';
