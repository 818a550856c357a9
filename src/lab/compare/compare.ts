import { P0, P1, P12 } from '../../kernel/index.js';
import type { DriverPlugin } from '../../../devices/contract/index.js';
import { CaptureError, scanCapture, type CaptureSummary } from '../capture/index.js';
import { layOut } from '../replay/index.js';
import type { ColumnPlan, ColumnResult } from './column.js';
import type { CompareOptions } from './options.js';
import { ColumnRun } from './run-column.js';
import { ComparisonTrace } from './trace-hash.js';

/** The whole comparison. */
export interface Comparison {
  readonly summary: CaptureSummary;
  readonly options: CompareOptions;
  readonly columns: readonly ColumnResult[];
  /** SHA-256 of the trace of all columns: equal for equal input, options, seed and build. */
  readonly traceSha256: string;
}

/**
 * Replays a capture once per driver and policy, over the same file under the same writeback.
 *
 * @param onTraceLine takes the trace, a line of JSON per event
 * @throws CaptureError if the capture cannot be used
 */
export function compare(options: CompareOptions, onTraceLine: ((line: string) => void) | null = null): Comparison {
  const summary = scanCapture(options.capture, {
    icrc: options.icrc,
    onProgress: (done, total) => options.onProgress?.('reading', done, total),
  });
  refuseUseless(summary);
  const layouts = layOut(summary.remoteMemory);
  const trace = new ComparisonTrace(onTraceLine);
  const columns = plansFor(options.drivers).map((plan) => {
    const label = `${plan.plugin.manifest.name}/${plan.policy.id}`;
    return new ColumnRun(options, plan, summary, layouts, trace.sink(label)).run();
  });
  return { summary, options, columns, traceSha256: trace.digest() };
}

/** Drivers that pin are shown under the old kernels' policy first, and under today's last: there they are refused. */
function plansFor(drivers: readonly DriverPlugin[]): ColumnPlan[] {
  const pinning = drivers.filter(({ manifest }) => !manifest.onDemandPaging);
  const paging = drivers.filter(({ manifest }) => manifest.onDemandPaging);
  return [
    ...pinning.map((plugin) => ({ plugin, policy: P0 })),
    ...paging.map((plugin) => ({ plugin, policy: P12 })),
    ...pinning.map((plugin) => ({ plugin, policy: P1 })),
  ];
}

/** A capture without requests has nothing to replay: say what was in it instead. */
function refuseUseless(summary: CaptureSummary): void {
  if (summary.operations.some(({ requests, incomplete }) => requests + incomplete > 0)) return;
  const skip = summary.skips.at(0);
  const why =
    summary.frames === 0
      ? 'it holds no frames'
      : skip === undefined
        ? 'none of its frames is a request of an RC queue pair'
        : `${String(skip.count)} of its ${String(summary.frames)} frames were left out as ${skip.reason}, ` +
          `the first at frame ${String(skip.firstFrame)}, byte ${String(skip.firstOffset)}`;
  throw new CaptureError(summary.path, `no RDMA request to replay: ${why}`);
}
