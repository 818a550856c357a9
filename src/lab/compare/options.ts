import type { DiskProfile, WritebackTimers } from '../../fs/index.js';
import type { FileSystemKind } from '../../kernel/index.js';
import type { DriverPlugin } from '../../../devices/contract/index.js';
import type { DeviceProfile } from '../../../devices/nic/index.js';
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
