import type { Task } from '../../../engine/index.js';
import type { MmStruct } from '../../../mm/index.js';
import type { ObservedDevice, RegMrRequest } from '../../../../devices/contract/index.js';

/** How a work request ended: ibv_wc_status by name, without its prefix. */
export type Status = string;

export type MrAdvice = 'prefetch' | 'prefetch_write' | 'prefetch_no_fault';

/** A registered region, and what a program does with it. Addresses are the process's. */
export interface ProgramMr {
  /** RDMA WRITE of `data`. */
  write(address: number, data: Uint8Array): Task<Status>;
  /** RDMA READ into `data`. */
  read(address: number, data: Uint8Array): Task<Status>;
  /** Fetch and add, 8 bytes. */
  fetchAndAdd(address: number, add: bigint): Task<AtomicResult>;
  /** Compare and swap, 8 bytes. */
  compareAndSwap(address: number, compare: bigint, swap: bigint): Task<AtomicResult>;
  /** A SEND from elsewhere into a receive that is posted here. */
  receive(address: number, data: Uint8Array): Task<{ readonly sender: Status; readonly receiver: Status }>;
  /** The region as the local source of a SEND. */
  send(address: number, data: Uint8Array): Task<Status>;
  /** The region as the local source of an RDMA WRITE. */
  writeFrom(address: number, data: Uint8Array): Task<Status>;
  /**
   * ibv_advise_mr. What is wrong with the region is said at once, what is wrong with its memory by the task.
   * @throws Errno EINVAL, EOPNOTSUPP
   */
  advise(advice: MrAdvice, address: number, length: number): Task;
  /** ibv_dereg_mr. */
  deregister(): Task;
}

export interface AtomicResult {
  readonly status: Status;
  /** What was there. */
  readonly old: bigint;
}

/** The device of a program's machine. A queue pair that has failed is set up anew before the next request. */
export interface ProgramDevice {
  /** ibv_reg_mr. @param odp IBV_ACCESS_ON_DEMAND @throws Errno */
  regMr(request: RegMrRequest, odp: boolean): Task<ProgramMr>;
  /** A process has closed the device: its regions go. */
  close(mm: MmStruct): Task;
  /** The hardware, as rules look at it. */
  readonly observed: ObservedDevice;
}
