import { MS } from '../../engine/index.js';
import { LINUX_WRITEBACK_TIMERS, NVME, type DiskProfile, type WritebackTimers } from '../../fs/index.js';
import type { FileSystemKind } from '../../kernel/index.js';
import type { DriverPlugin } from '../../../devices/contract/index.js';
import { CONNECTX, type DeviceProfile } from '../../../devices/nic/index.js';
import { odp } from '../../../devices/odp/index.js';
import { pinned } from '../../../devices/pinned/index.js';
import type { IcrcPolicy } from '../capture/index.js';
import type { Monitor } from './monitor.js';

/** What is the same for all columns of a comparison. */
export interface CompareOptions {
  readonly capture: string;
  readonly seed: number;
  readonly fileSystem: FileSystemKind;
  /** ns between the starts of two fsyncs of a file; 0: only the one at the end. */
  readonly fsyncPeriod: number;
  readonly writeback: WritebackTimers;
  readonly disk: DiskProfile;
  readonly device: DeviceProfile;
  /** Bytes of memory of the machine. */
  readonly memory: number;
  /** Whether the file has blocks on the disk before the run, or is all hole. */
  readonly content: 'written' | 'hole';
  readonly asFastAsPossible: boolean;
  readonly icrc: IcrcPolicy;
  readonly drivers: readonly DriverPlugin[];
  /** What watches every run. */
  readonly monitors: readonly Monitor[];
  /** Told how far a column is: bytes of the capture. */
  readonly onProgress?: (column: string, done: number, total: number) => void;
}

/** A capture under the usual circumstances, with nobody watching the runs. */
export function defaultOptions(capture: string): CompareOptions {
  return {
    capture,
    seed: 1,
    fileSystem: 'ext4',
    fsyncPeriod: 50 * MS,
    writeback: LINUX_WRITEBACK_TIMERS,
    disk: NVME,
    device: CONNECTX,
    memory: 2 ** 34,
    content: 'written',
    asFastAsPossible: false,
    icrc: 'check',
    drivers: [pinned, odp],
    monitors: [],
  };
}
