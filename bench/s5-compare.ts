import 'reflect-metadata';
import { fileURLToPath } from 'node:url';
import { LINUX_WRITEBACK_TIMERS, NVME } from '../src/fs/index.js';
import { compare, type Comparison } from '../src/lab/index.js';
import { CONNECTX } from '../devices/nic/index.js';
import { odp } from '../devices/odp/index.js';
import { pinned } from '../devices/pinned/index.js';
import { median, timed } from './measure.js';

const CAPTURE = fileURLToPath(new URL('../../captures/fio-librpma-file-1024.pcap', import.meta.url));

function runCompare(): Comparison {
  return compare({
    capture: CAPTURE,
    seed: 1,
    fileSystem: 'ext4',
    fsyncPeriod: 50_000_000,
    writeback: LINUX_WRITEBACK_TIMERS,
    disk: NVME,
    device: CONNECTX,
    memory: 2 ** 34,
    content: 'written',
    asFastAsPossible: false,
    icrc: 'check',
    drivers: [pinned, odp],
    monitors: [],
  });
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
