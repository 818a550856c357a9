import type { KernelCore } from '../../src/kernel/index.js';
import { driverPlugin, type DriverPlugin, type Hardware } from '../contract/index.js';
import { odp, type OdpDriver } from '../odp/index.js';
import { ForgottenDirty, LateDirty } from './dirty-faults.js';
import { DoubleRelease, LateQuiesce, LeakedHold, UnrefusedReap, UnregisterRace } from './invalidation-faults.js';
import { IgnoredOffset, MissingRetryCheck, StaleChild, WidenedRights } from './translation-faults.js';

/**
 * The ODP driver with one mistake each: those that such drivers have really made. They are there to be found: by the rules,
 * under exploration, in the tests of whoever writes a checker. Each overrides one step of the right driver and no more.
 */
export interface FaultyDriver {
  /** The failure mode of the literature, F0 to F24, or a name where there is none. */
  readonly id: string;
  /** The rule that it breaks. */
  readonly rule: string;
  readonly plugin: DriverPlugin;
}

type FaultyClass = new (hardware: Hardware, kernel: KernelCore) => OdpDriver;

/** Every mistake there is. */
export const FAULTY_DRIVERS: readonly FaultyDriver[] = [
  faulty('F16', 'R10', 'gives the device pages for writing that may only be read', WidenedRights),
  faulty('F17', 'R1', 'returns from an invalidation before the device has let go', LateQuiesce),
  faulty('F18', 'R3', 'installs what it read without a retry check', MissingRetryCheck),
  faulty('F19', 'R5', 'dirties what the device wrote after the end of the invalidation', LateDirty),
  faulty('F20', 'R6', 'lets a call through that may not block, and drops nothing', UnrefusedReap),
  faulty('F23', 'R5', 'never says what the device has written', ForgottenDirty),
  faulty('F24', 'R20', 'ignores where in its page a region begins', IgnoredOffset),
  faulty('double-release', 'R9', 'releases its hold on a range twice', DoubleRelease),
  faulty('leaked-hold', 'R9', 'forgets its hold where there is nothing to drop', LeakedHold),
  faulty('unregister-race', 'R1', 'unsubscribes before the device has let go', UnregisterRace),
  faulty('stale-child', 'R13', 'installs pages in a region that was destroyed meanwhile', StaleChild),
];

function faulty(id: string, rule: string, title: string, Driver: FaultyClass): FaultyDriver {
  const manifest = { ...odp.manifest, name: `faulty-${id.toLowerCase()}`, title };
  return { id, rule, plugin: driverPlugin(manifest, (hardware, kernel) => new Driver(hardware, kernel)) };
}
