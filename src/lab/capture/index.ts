/**
 * Captures: from a pcap or pcapng file to the verbs-level requests that its RoCEv2 frames carried.
 *
 * `file` reads frames, `packets` finds RoCEv2 in them, `flows` makes requests of packets, `summary` adds up. Reading is
 * synchronous, lazy and in bounded memory; nothing here knows the emulator, its time or its memory. What to do with the
 * requests (replay, compare, count) belongs to those who call.
 */
export { CaptureError, readFrames } from './file/index.js';
export type { CaptureDamage, CapturedFrame, CapturePlace } from './file/index.js';
export { OPERATIONS } from './flows/index.js';
export type {
  CapturedCompletion,
  CapturedRequest,
  CaptureEvent,
  CompletionStatus,
  Flow,
  Operation,
  PathMtuSource,
} from './flows/index.js';
export { SKIP_TEXT } from './packets/index.js';
export type { HostCounts, IcrcCounts, IcrcPolicy, Skip, SkipReason } from './packets/index.js';
export { readRequests } from './request-stream.js';
export type { CaptureEnd, CaptureOptions, RequestOptions } from './request-stream.js';
export { scanCapture } from './scan-capture.js';
export type {
  CaptureSummary,
  LatencySummary,
  OperationSummary,
  RemoteKey,
  RemoteKeyEnd,
  Silence,
  VaRange,
} from './summary/index.js';
