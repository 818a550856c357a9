import type { Task } from '../../src/engine/index.js';
import type { MmStruct } from '../../src/mm/index.js';
import type { AdviseMrRequest } from './advise-mr.js';
import type { Mkey, PageFault } from './hardware.js';

/** ibv_reg_mr, ibv_reg_mr_iova. */
export interface RegMrRequest {
  readonly mm: MmStruct;
  /** First byte, in the process. */
  readonly start: number;
  /** Bytes, at least 1. */
  readonly length: number;
  /** IBV_ACCESS_* */
  readonly access: number;
  /** Address by which remote requests name `start`; default `start`. Both must agree modulo 4096. */
  readonly iova?: number;
  /** Key to use instead of the next free one: for replays. */
  readonly rkey?: number;
}

/** A registered memory region. Drivers extend it with what they keep of it. */
export interface MemoryRegion {
  readonly mkey: Mkey;
  readonly mm: MmStruct;
  readonly start: number;
  readonly length: number;
}

/** What a driver counts. */
export interface DriverStats {
  /** Page faults of the device that it handled, successfully or not. */
  faults: number;
  /** Invalidations that reached one of its regions. */
  invalidations: number;
}

/**
 * A driver of one device: what the kernel's verbs call, and what the device calls.
 *
 * Everything else that a driver does, it does by subscribing: to the notifiers of an mm, or to the kernel's streams.
 */
export interface DeviceDriver {
  readonly name: string;
  readonly stats: DriverStats;
  /** @throws Errno as ibv_reg_mr returns it */
  regMr(request: RegMrRequest): Task<MemoryRegion>;
  /**
   * ibv_dereg_mr: when this has returned, the device has no page of the region and no callback runs.
   * @throws Errno EINVAL if it is no region of this driver
   */
  deregMr(region: MemoryRegion): Task;
  /**
   * A hint that the device will use some pages. Best effort: nothing says that they are there when they are used.
   * Absent: ibv_advise_mr is not supported, EOPNOTSUPP.
   *
   * @throws Errno as ibv_advise_mr returns it: EINVAL without any sge, ENOENT for a key that there is not, EPERM to write where
   *   the region may not be written, EFAULT beyond the region, or, with `flush`, as a page fault fails
   */
  adviseMr?(request: AdviseMrRequest): Task;
  /** The device needs translations. Must end in `hardware.resume(fault, …)`. */
  pageFault(fault: PageFault): Task;
}
