import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { compare, defaultOptions, type Comparison } from '../src/lab/index.js';
import { median, timed } from './measure.js';

const CAPTURE = fileURLToPath(new URL('../../captures/fio-librpma-file-1024.pcap', import.meta.url));

function runCompare(): Comparison {
  return compare(defaultOptions(CAPTURE));
}

/** What S5 prints: there is no peer to compare with, so these are rates. */
export interface CompareRates {
  readonly id: 'S5';
  readonly what: string;
  /** WRITEs of all columns per wall second. */
  readonly writesPerSecond: number;
  readonly requestsPerSecond: number;
  /** Virtual seconds of all columns per wall second. */
  readonly virtualSecondsPerSecond: number;
  /** Runs whose trace had the same SHA-256, of how many. */
  readonly equalTraces: string;
}

/** S5, and the same trace over 20 runs. */
export function s5(): CompareRates {
  const hashes = new Set<string>();
  const times: number[] = [];
  let last: Comparison | null = null;
  for (let run = 0; run < 20; run++) {
    times.push(
      timed(() => {
        last = runCompare();
      }),
    );
    hashes.add((last as unknown as Comparison).traceSha256);
  }
  const { columns, summary } = last as unknown as Comparison;
  const seconds = median(times) / 1e9;
  const ran = columns.filter(({ refused }) => refused === undefined);
  const writes = summary.operations.find(({ operation }) => operation === 'RDMA_WRITE')?.requests ?? 0;
  return {
    id: 'S5',
    what: 'pinless compare fio-librpma-file-1024.pcap, all columns, trace hashed',
    writesPerSecond: Math.round((writes * ran.length) / seconds),
    requestsPerSecond: Math.round(ran.reduce((sum, { requests }) => sum + requests, 0) / seconds),
    virtualSecondsPerSecond: Math.round(ran.reduce((sum, { durationNs }) => sum + durationNs, 0) / 1e9 / seconds),
    equalTraces: hashes.size === 1 ? '20 of 20' : `${String(hashes.size)} different ones in 20`,
  };
}
