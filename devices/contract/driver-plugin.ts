import { Container, ContainerModule } from 'inversify';
import type { KernelCore } from '../../src/kernel/index.js';
import type { Capability } from './capabilities.js';
import type { DeviceDriver } from './device-driver.js';
import type { Hardware } from './hardware.js';
import type { SvmDevice } from './svm-device.js';

/** Makes the driver of a NIC. The container holds one, under the symbol of the same name. */
export type DriverFactory = (hardware: Hardware, kernel: KernelCore) => DeviceDriver;
/** Under this the container holds what makes the driver of a NIC. */
export const DriverFactory: unique symbol = Symbol.for('pinless.DriverFactory');

/** Makes a device that brings its driver along. The container holds one, under the symbol of the same name. */
export type DeviceFactory = (name: string, kernel: KernelCore) => SvmDevice;
/** Under this the container holds what makes a device. */
export const DeviceFactory: unique symbol = Symbol.for('pinless.DeviceFactory');

/** What a driver says of itself before it is made. */
export interface DriverManifest {
  /** Short name, as `--drivers` takes it: lower case letters, digits and dashes. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** True if the driver needs no pins: it handles page faults and follows invalidations. */
  readonly onDemandPaging: boolean;
  /** What it can do; default what the contract obliges everybody to. What is not among them is not tried. */
  readonly capabilities?: readonly Capability[];
}

/** A driver that can be plugged in: a package or file exports one as its default. */
export interface DriverPlugin {
  readonly manifest: DriverManifest;
  /** Binds DriverFactory or DeviceFactory. */
  readonly module: ContainerModule;
}

/** What a plugin makes: the driver of a NIC, or a device of its own. */
export type PluggedIn =
  | { readonly kind: 'nic-driver'; readonly create: DriverFactory }
  | { readonly kind: 'svm-device'; readonly create: DeviceFactory };

/** A plugin of a manifest and a function that makes the driver of a NIC. */
export function driverPlugin(manifest: DriverManifest, create: DriverFactory): DriverPlugin {
  return {
    manifest,
    module: new ContainerModule(({ bind }) => {
      bind<DriverFactory>(DriverFactory).toConstantValue(create);
    }),
  };
}

/** A plugin of a manifest and a function that makes a device with shared virtual memory, driver included. */
export function devicePlugin(manifest: DriverManifest, create: DeviceFactory): DriverPlugin {
  return {
    manifest,
    module: new ContainerModule(({ bind }) => {
      bind<DeviceFactory>(DeviceFactory).toConstantValue(create);
    }),
  };
}

/** What a plugin makes, and how. @throws Error if its module binds neither factory, or both */
export function pluggedIn({ manifest, module }: DriverPlugin): PluggedIn {
  const container = new Container();
  container.load(module);
  const [driver, device] = [container.isBound(DriverFactory), container.isBound(DeviceFactory)];
  if (driver === device) {
    const what = driver ? 'both DriverFactory and DeviceFactory' : 'neither DriverFactory nor DeviceFactory';
    throw new Error(`plugin "${manifest.name}" binds ${what}: it must bind one of them`);
  }
  return driver
    ? { kind: 'nic-driver', create: container.get<DriverFactory>(DriverFactory) }
    : { kind: 'svm-device', create: container.get<DeviceFactory>(DeviceFactory) };
}

/** What makes the NIC driver of a plugin. @throws Error if it makes none: a device with shared virtual memory is no NIC */
export function driverFactoryOf(plugin: DriverPlugin): DriverFactory {
  const { kind, create } = pluggedIn(plugin);
  if (kind === 'nic-driver') return create;
  throw new Error(`plugin "${plugin.manifest.name}" is a device with a driver of its own, and no driver of a NIC`);
}

/** What makes the device of a plugin. @throws Error if it makes none: a driver of a NIC needs the NIC */
export function deviceFactoryOf(plugin: DriverPlugin): DeviceFactory {
  const { kind, create } = pluggedIn(plugin);
  if (kind === 'svm-device') return create;
  throw new Error(`plugin "${plugin.manifest.name}" is a driver of a NIC, and no device with shared virtual memory`);
}
