import { Container, ContainerModule } from 'inversify';
import type { KernelCore } from '../../src/kernel/index.js';
import type { DeviceDriver } from './device-driver.js';
import type { Hardware } from './hardware.js';

/** Makes the driver of a device. The container holds one, under the symbol of the same name. */
export type DriverFactory = (hardware: Hardware, kernel: KernelCore) => DeviceDriver;
export const DriverFactory: unique symbol = Symbol.for('pinless.DriverFactory');

/** What a driver says of itself before it is made. */
export interface DriverManifest {
  /** Short name, as `--drivers` takes it: lower case letters, digits and dashes. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  /** True if the driver needs no pins: it handles page faults and follows invalidations. */
  readonly onDemandPaging: boolean;
}

/** A driver that can be plugged in: a package or file exports one as its default. */
export interface DriverPlugin {
  readonly manifest: DriverManifest;
  /** Binds DriverFactory. */
  readonly module: ContainerModule;
}

/** A plugin of a manifest and a function that makes the driver. */
export function driverPlugin(manifest: DriverManifest, create: DriverFactory): DriverPlugin {
  return {
    manifest,
    module: new ContainerModule(({ bind }) => {
      bind<DriverFactory>(DriverFactory).toConstantValue(create);
    }),
  };
}

/** What makes a plugin's driver. @throws Error if its module does not bind DriverFactory */
export function driverFactoryOf({ module }: DriverPlugin): DriverFactory {
  const container = new Container();
  container.load(module);
  return container.get<DriverFactory>(DriverFactory);
}
