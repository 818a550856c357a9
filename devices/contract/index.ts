/**
 * The driver contract: all that a driver model imports besides the kernel itself.
 *
 * `Hardware` is what the driver of a NIC can tell its device; `DeviceDriver` is what verbs and the device ask of it. A device
 * that is no NIC brings its driver along: `SvmDevice`; it accesses memory with `busRead` and `busWrite`, and tells
 * `DeviceWatchers` what it does. A `DriverPlugin` is how either is plugged in. No device and no driver lives here.
 */
export * from './access-flags.js';
export type { AdviseMrAdvice, AdviseMrRequest, AdviseMrSge } from './advise-mr.js';
export {
  EVERY_NIC_DRIVER,
  NIC_CAPABILITIES,
  SVM_CAPABILITIES,
  capabilitiesOf,
  type Capability,
  type NicCapability,
  type SvmCapability,
} from './capabilities.js';
export { busRead, busWrite, setPageDirty } from './bus-access.js';
export { checkRegMr } from './check-reg-mr.js';
export { DeviceWatchers } from './device-watchers.js';
export {
  DeviceFactory,
  DriverFactory,
  deviceFactoryOf,
  devicePlugin,
  driverFactoryOf,
  driverPlugin,
  pluggedIn,
  type DriverManifest,
  type DriverPlugin,
  type PluggedIn,
} from './driver-plugin.js';
export type { AccessVisitor, DeviceWatcher, ObservedDevice, TranslationVisitor } from './observed-device.js';
export type { SvmContext, SvmDevice } from './svm-device.js';
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
