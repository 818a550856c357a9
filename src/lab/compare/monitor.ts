import type { World } from '../../kernel/index.js';
import type { DriverManifest, MemoryRegion } from '../../../devices/contract/index.js';
import type { Nic } from '../../../devices/nic/index.js';

/** What a monitor can look at. */
export interface MonitoredRun {
  readonly world: World;
  readonly nics: readonly Nic[];
  readonly driver: DriverManifest;
  /** Calls `listener` for every region that is registered from now on. */
  onRegion(listener: (region: MemoryRegion) => void): void;
}

/**
 * Watches a run from its beginning; throws where it finds that something cannot be.
 * @returns what is to be done when the run is over
 */
export type Monitor = (run: MonitoredRun) => () => void;
