import type { Task } from '../../engine/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { ObservedDevice } from '../../../devices/contract/index.js';

/** A device with its driver, as scenarios use it: whatever it is, it accesses memory of a process by its addresses. */
export interface DeviceUnderTest {
  readonly name: string;
  /** What the rules watch. */
  readonly observed: ObservedDevice;
  /** Makes [start, start + length) of a process accessible, for reading and writing. */
  register(mm: MmStruct, start: number, length: number): Task;
  /** Takes that back. */
  deregister(): Task;
  /**
   * Reads bytes, or writes ones, none of them beyond the page in which the first one is. Ends when the data has landed, or
   * when the access has failed.
   */
  access(kind: 'read' | 'write', address: number, length: number): Task;
}
