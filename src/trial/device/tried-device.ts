import type { ErrnoCode } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { Process } from '../../kernel/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';

/** How an access ended: null if it did what it should; an errno or an ibv_wc_status if not. */
export type Refusal = string | null;

/** One queue to a device: its accesses go one after the other. One that is refused leaves it usable. */
export interface Channel {
  /** The device reads memory of the process into `target`. */
  read(address: number, target: Uint8Array): Task<Refusal>;
  /** The device writes `data` to memory of the process. */
  write(address: number, data: Uint8Array): Task<Refusal>;
}

/** A stretch of a process's memory that a device may use. Addresses are the process's. */
export interface Window extends Channel {
  /** Another queue to the same memory, for accesses at the same time. */
  channel(): Channel;
  close(): Task;
}

/** What an access must be for the device to have asked for it. */
export type Rights = 'read' | 'write';

/** What a driver is tried on: whatever the device, it uses the memory of processes. */
export interface TriedDevice {
  /** The hardware, as rules look at it. */
  readonly observed: readonly ObservedDevice[];
  /**
   * Lets the device use [start, start + length) of a process. Nothing need be mapped there yet.
   * @param rights 'read' if it will only read: for memory that may not be written. Default 'write', which is for both
   */
  open(process: Process, start: number, length: number, rights?: Rights): Task<Window>;
  /** What has been registered and not been given back, in words; null if nothing. */
  left(): string | null;
  /** How an access must end that the CPU could not make: `errno` as HMM's fault says it. */
  refusal(errno: ErrnoCode): string;
}
