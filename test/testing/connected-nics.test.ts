import type { Task } from '../../src/engine/index.js';
import { createWorld, type Process, type World } from '../../src/kernel/index.js';
import { connectedNics, traceOf, type ConnectedNics } from '../../src/testing/index.js';
import { IBV_ACCESS_REMOTE_READ, type DriverFactory } from '../../devices/contract/index.js';
import { FAULTY_DRIVERS } from '../../devices/faulty/index.js';
import { RXE, observeNic } from '../../devices/nic/index.js';
import { OdpDriver } from '../../devices/odp/index.js';

function world(): World {
  return createWorld({ memory: 2 ** 24 });
}

/** A process with a page of memory. */
function* pageOf({ kernel }: World): Task<{ readonly process: Process; readonly start: number }> {
  const process = kernel.createProcess('server');
  const { start } = yield* kernel.mmap(process, { length: 4096, prot: 'rw', share: 'private' });
  return { process, start };
}

describe('connected NICs', () => {
  it('have the driver that is tested: the built-in one, a function that makes one, a plugin', () => {
    class Mine extends OdpDriver {
      override readonly name = 'mine';
    }
    const factory: DriverFactory = (hardware, kernel) => new Mine(hardware, kernel);
    expect(connectedNics(world()).driver.name).toBe('odp');
    expect(connectedNics(world(), { driver: factory, profile: RXE }).driver.name).toBe('mine');
    expect(connectedNics(world(), { driver: FAULTY_DRIVERS[0].plugin }).driver.name).toBe('faulty-f16');
  });

  it('move bytes from one to the other', () => {
    const machine = world();
    const nics = connectedNics(machine);
    const trace = traceOf(machine).watch(observeNic(nics.server));
    const target = new Uint8Array(3);
    function* story(): Task {
      const { process, start } = yield* pageOf(machine);
      const region = yield* nics.register({ mm: process.mm, start, length: 4096 });
      const wrId = nics.postWrite(region, 100, Uint8Array.of(7, 8, 9));
      expect(yield* nics.completion()).toMatchObject({ wrId, status: 'IBV_WC_SUCCESS' });
      expect(yield* nics.read(region, 100, target)).toMatchObject({ status: 'IBV_WC_SUCCESS' });
    }
    machine.simulation.runTask('story', story());
    expect([...target]).toEqual([7, 8, 9]);
    expect(trace.event('device_write')).toHappenBefore(trace.event('device_read'));
  });

  it.each([
    [
      'rights that it does not have',
      function* (nics: ConnectedNics, process: Process, start: number): Task<string> {
        const region = yield* nics.register({ mm: process.mm, start, length: 4096, access: IBV_ACCESS_REMOTE_READ });
        return (yield* nics.write(region, 0, Uint8Array.of(1))).status;
      },
    ],
    [
      'a region that is no more',
      function* (nics: ConnectedNics, process: Process, start: number): Task<string> {
        const region = yield* nics.register({ mm: process.mm, start, length: 4096 });
        yield* nics.deregister(region);
        return (yield* nics.write(region, 0, Uint8Array.of(1))).status;
      },
    ],
  ])('refuse %s', (_what, write) => {
    const machine = world();
    const nics = connectedNics(machine);
    function* story(): Task<string> {
      const { process, start } = yield* pageOf(machine);
      return yield* write(nics, process, start);
    }
    expect(machine.simulation.runTask('story', story())).toBe('IBV_WC_REM_ACCESS_ERR');
  });
});
