/**
 * From packets to requests: connections, PSN order as the responder keeps it, messages, and the responses that end them.
 *
 * Packets come in one by one and requests go out through the event queue; no files, no reports.
 */
export type { CaptureEvent, CapturedCompletion, CapturedRequest, CompletionStatus } from './captured-request.js';
export { EventQueue } from './event-queue.js';
export type { Flow, FlowFacts, PathMtuSource } from './flow.js';
export { FlowTable, type HostRegion } from './flow-table.js';
export type { RequestSink } from './message-assembler.js';
export { OPERATIONS } from './operation.js';
export type { Operation } from './operation.js';
export type { CompletionRecord, RequestRecord } from './request-record.js';
