import type { KernelPolicy } from '../../kernel/index.js';
import type { DriverPlugin } from '../../../devices/contract/index.js';
import type { NotPosted } from '../replay/index.js';
import type { Verdict } from '../verdict/index.js';

/** A driver under a policy: what one column of a comparison runs. */
export interface ColumnPlan {
  readonly plugin: DriverPlugin;
  readonly policy: KernelPolicy;
}

/** A registration that the kernel refused: the application could not have run. */
export interface Refusal {
  readonly errno: string;
  /** The rule, the object and the value, in words. */
  readonly reason: string;
  readonly host: string;
  readonly rkey: number;
}

/** What one column found. Times in virtual ns; sizes in bytes; pages of 4 KiB. */
export interface ColumnResult {
  readonly driver: string;
  readonly policy: string;
  readonly refused?: Refusal;
  readonly requests: number;
  /** Requests that completed with IBV_WC_SUCCESS. */
  readonly completed: number;
  /** Requests that completed with anything else. */
  readonly errors: number;
  /** Requests that had not ended when nothing had for a long time: a device that is starved. */
  readonly unfinished: number;
  /** Bytes that completed requests wrote. */
  readonly acknowledgedBytes: number;
  /** Bytes of the files that an fsync promised at least once, however often they were written. */
  readonly promisedBytes: number;
  /**
   * Bytes acknowledged before an fsync that returned, and not on the disk had the power failed: at the worst of all moments
   * at which an fsync had just returned, the end of the run among them.
   */
  readonly lostBytes: number;
  /** Blocks that hold one part of an acknowledged request and lack another; the most at any such moment. */
  readonly tornBlocks: number;
  /** The most at any such moment. */
  readonly badChecksums: number;
  /** When the most bytes would have been lost, or blocks torn or unreadable, in ns from the first post; 0 if none would. */
  readonly worstMomentNs: number;
  /** What the power loss at the end of the run took. */
  readonly atEnd: Verdict;
  /** READs that returned data older than what had been acknowledged. */
  readonly staleReads: number;
  /** Complaints of the file system. */
  readonly fsErrors: number;
  readonly latencyNs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly deviceFaults: number;
  /** Invalidations that reached a driver. */
  readonly invalidations: number;
  readonly rnrNaks: number;
  readonly retransmits: number;
  /** Most pages that were pinned at once. */
  readonly pinnedPages: number;
  /** Most pages of the files that were seen in memory. */
  readonly residentPages: number;
  readonly fsync: { readonly count: number; readonly totalNs: number; readonly waitedForDeviceNs: number };
  /** From the first post to the last completion. */
  readonly durationNs: number;
  /** Bytes that completed requests moved, in either direction, over that time. */
  readonly throughputBytesPerSecond: number;
  /** By how much silences of the capture were shortened. */
  readonly shortenedNs: number;
  readonly notPosted: readonly NotPosted[];
}
