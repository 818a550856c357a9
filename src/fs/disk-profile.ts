import { US } from '../engine/index.js';

/** How fast a disk is and what it promises. Data, not code: times in ns. */
export interface DiskProfile {
  readonly name: string;
  /** From a read's submission to its first byte. */
  readonly readLatency: number;
  /** From the last byte fetched to the completion of a write. */
  readonly writeLatency: number;
  /** Emptying the volatile write cache. */
  readonly flushLatency: number;
  /** Speed at which data crosses the bus, both ways. */
  readonly bytesPerSecond: number;
  /** Bytes that it fetches from memory at one moment, a power of two up to a page; absent: a sector. */
  readonly atomicWrite?: number;
  /** The I/O that it does best, in bytes (io_opt): twice that is read ahead. Absent: it does not say. */
  readonly optimalIo?: number;
}

/**
 * A data-centre NVMe disk with a volatile write cache: 80 us read, 20 us write (NAND behind a DRAM buffer), 2 GB/s.
 */
export const NVME: DiskProfile = {
  name: 'nvme',
  readLatency: 80 * US,
  writeLatency: 20 * US,
  flushLatency: 100 * US,
  bytesPerSecond: 2_000_000_000,
};

/** A cloud block device: 700 us either way (VIO, OSDI'25, measures that for a swap-in fault), 300 MB/s. */
export const CLOUD_SSD: DiskProfile = {
  name: 'cloud-ssd',
  readLatency: 700 * US,
  writeLatency: 700 * US,
  flushLatency: 1_000 * US,
  bytesPerSecond: 300_000_000,
};

/** A rotating disk: 10 ms (the major fault of NPF, ASPLOS'17 §3), 150 MB/s. */
export const HDD: DiskProfile = {
  name: 'hdd',
  readLatency: 10_000 * US,
  writeLatency: 10_000 * US,
  flushLatency: 15_000 * US,
  bytesPerSecond: 150_000_000,
};

/** The disk of the virtual machine on which Linux was recorded: nothing that is read ahead there has an end in sight. */
export const RECORDED: DiskProfile = { ...NVME, name: 'recorded', optimalIo: 4 * 2 ** 20, atomicWrite: 4096 };

/** What `--disk` takes, by name. */
export const DISK_PROFILES: readonly DiskProfile[] = [NVME, CLOUD_SSD, HDD];
