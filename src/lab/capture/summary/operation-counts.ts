import type { CompletionRecord, Operation, RequestRecord } from '../flows/index.js';
import type { OperationSummary } from './capture-summary.js';
import { LatencySample } from './latency-sample.js';

/** Adds up the requests of one operation and how they ended. */
export class OperationCounts {
  requests = 0;
  incomplete = 0;
  bytes = 0;
  completions = 0;
  errors = 0;
  rnrNaks = 0;
  readonly latency = new LatencySample();

  note(request: RequestRecord): void {
    if (!request.complete) {
      this.incomplete++;
      return;
    }
    this.requests++;
    if (request.operation !== 'FLUSH') this.bytes += request.length;
  }

  noteEnd(completion: CompletionRecord): void {
    this.completions++;
    this.rnrNaks += completion.request.rnrNaks;
    if (completion.status === 'IBV_WC_SUCCESS') this.latency.add(completion.rttNs);
    else this.errors++;
  }

  summary(operation: Operation): OperationSummary {
    const { requests, incomplete, bytes, completions, errors, rnrNaks } = this;
    return { operation, requests, incomplete, bytes, completions, errors, rnrNaks, latency: this.latency.summary() };
  }
}
