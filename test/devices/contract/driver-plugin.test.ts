import { ContainerModule } from 'inversify';
import {
  DeviceFactory,
  DriverFactory,
  capabilitiesOf,
  deviceFactoryOf,
  devicePlugin,
  driverFactoryOf,
  driverPlugin,
  pluggedIn,
} from '../../../devices/contract/index.js';
import { MirrorDevice, mirror } from '../../../devices/mirror/index.js';
import { odp } from '../../../devices/odp/index.js';
import { Machine } from '../../support/machine.js';

const MANIFEST = { name: 'mine', title: 'mine', onDemandPaging: true };

describe('a plugin', () => {
  it('says what it makes: the driver of a NIC, or a device that brings its driver along', () => {
    expect([pluggedIn(odp).kind, pluggedIn(mirror).kind]).toEqual(['nic-driver', 'svm-device']);
  });

  it('hands over what makes it, unchanged', () => {
    const driver: DriverFactory = () => {
      throw new Error('not made here');
    };
    const device: DeviceFactory = (name) => new MirrorDevice(name);
    expect(driverFactoryOf(driverPlugin(MANIFEST, driver))).toBe(driver);
    expect(deviceFactoryOf(devicePlugin(MANIFEST, device))).toBe(device);
  });

  it('is not taken for the other kind', () => {
    expect(() => driverFactoryOf(mirror)).toThrow(
      'plugin "mirror" is a device with a driver of its own, and no driver',
    );
    expect(() => deviceFactoryOf(odp)).toThrow('plugin "odp" is a driver of a NIC, and no device');
  });

  it('of a device follows notifiers: nothing would bind it otherwise', () => {
    const pinning = devicePlugin({ ...MANIFEST, onDemandPaging: false }, (name) => new MirrorDevice(name));
    expect(() => capabilitiesOf(pinning)).toThrow(
      'manifest of "mine": a device with shared virtual memory follows notifiers: onDemandPaging is true',
    );
  });

  it('must bind one factory', () => {
    const neither = { manifest: MANIFEST, module: new ContainerModule(() => undefined) };
    expect(() => pluggedIn(neither)).toThrow('plugin "mine" binds neither DriverFactory nor DeviceFactory');
    const both = {
      manifest: MANIFEST,
      module: new ContainerModule(({ bind }) => {
        bind(DriverFactory).toConstantValue(driverFactoryOf(odp));
        bind(DeviceFactory).toConstantValue(deviceFactoryOf(mirror));
      }),
    };
    expect(() => pluggedIn(both)).toThrow('plugin "mine" binds both DriverFactory and DeviceFactory');
  });

  it('of a device makes one that opens a process, reads and writes its memory, and gives it up', () => {
    const machine = new Machine();
    machine.mapAnon(1);
    machine.store(0, 5);
    const device = deviceFactoryOf(mirror)('gpu0', machine.kernel);
    machine.rules?.watch(device);
    const context = device.open(machine.mm);
    const target = new Uint8Array(1);
    machine.run(context.read(2 ** 40, target));
    machine.run(context.write(2 ** 40, Uint8Array.of(6)));
    machine.run(context.close());
    expect([device.name, target[0], machine.load(0)]).toEqual(['gpu0', 5, 6]);
  });
});

describe('the capabilities of a plugin', () => {
  const create = driverFactoryOf(odp);

  it('are what the contract obliges everybody to if it declares none', () => {
    expect(capabilitiesOf(odp)).toContain('IBV_ODP_SUPPORT_ATOMIC');
    expect(capabilitiesOf(odp)).not.toContain('IBV_ODP_SUPPORT_IMPLICIT');
    expect(capabilitiesOf(driverPlugin({ ...MANIFEST, onDemandPaging: false }, create))).not.toContain(
      'IBV_ODP_SUPPORT',
    );
    expect([...capabilitiesOf(devicePlugin(MANIFEST, deviceFactoryOf(mirror)))]).toEqual([]);
  });

  it('are what it declares, and nothing else, if it does', () => {
    const plugin = driverPlugin({ ...MANIFEST, capabilities: ['IBV_ODP_SUPPORT_READ'] }, create);
    expect([...capabilitiesOf(plugin)]).toEqual(['IBV_ODP_SUPPORT_READ']);
  });

  it('must not contradict the rest of the manifest', () => {
    const plugin = driverPlugin({ ...MANIFEST, onDemandPaging: false, capabilities: ['IBV_ODP_SUPPORT'] }, create);
    expect(() => capabilitiesOf(plugin)).toThrow('manifest of "mine": IBV_ODP_SUPPORT needs onDemandPaging: true');
  });

  it('must be known, and those of its kind', () => {
    const typo = driverPlugin({ ...MANIFEST, capabilities: ['IBV_ODP_SUPORT' as 'IBV_ODP_SUPPORT'] }, create);
    expect(() => capabilitiesOf(typo)).toThrow(
      'manifest of "mine": "IBV_ODP_SUPORT" is no capability of a driver of a NIC; there are IBV_ODP_SUPPORT, ',
    );
    const nic = devicePlugin({ ...MANIFEST, capabilities: ['IBV_ODP_SUPPORT'] }, deviceFactoryOf(mirror));
    expect(() => capabilitiesOf(nic)).toThrow('there are SNAPSHOT, EXCLUSIVE, MIGRATE');
  });
});
