/**
 * The driver contract: all that a driver model imports besides the kernel itself.
 *
 * `Hardware` is what a driver can tell its device; `DeviceDriver` is what verbs and the device ask of it; a
 * `DriverPlugin` is how it is plugged in. No device and no driver lives here.
 */
export * from './access-flags.js';
export { checkRegMr } from './check-reg-mr.js';
export {
  DriverFactory,
  driverFactoryOf,
  driverPlugin,
  type DriverManifest,
  type DriverPlugin,
} from './driver-plugin.js';
export type { AccessVisitor, DeviceWatcher, ObservedDevice, TranslationVisitor } from './observed-device.js';
export type { DeviceDriver, DriverStats, MemoryRegion, RegMrRequest } from './device-driver.js';
export {
  MTT_PRESENT,
  MTT_WRITE,
  makeMtt,
  mttFrame,
  type DriverCosts,
  type Hardware,
  type Mkey,
  type MkeyInit,
  type PageFault,
} from './hardware.js';
