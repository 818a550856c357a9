import { driverScenarios, explore, type DriverScenario } from '../../../src/check/index.js';
import type { MmStruct } from '../../../src/mm/index.js';
import { devicePlugin, type DriverPlugin } from '../../../devices/contract/index.js';
import { MirrorDevice, mirror } from '../../../devices/mirror/index.js';
import type { Mirror } from '../../../devices/mirror/mirror.js';
import { odp } from '../../../devices/odp/index.js';
import { pinned } from '../../../devices/pinned/index.js';
import { docTable } from '../../support/doc-table.js';

/** Twice as many as the largest race takes: a change that makes them explode is to be seen, not waited for. */
const BUDGET = { executions: 20_000 };

function racesOf(plugin: DriverPlugin): (DriverScenario & { readonly driver: string })[] {
  return driverScenarios(plugin).map((race) => ({ ...race, driver: plugin.manifest.name }));
}

const RACES = docTable('docs/exploration.md', 'race');

it.each([odp, mirror, pinned].flatMap(racesOf))(
  '$driver under every schedule: $title',
  ({ driver, name, scenario }) => {
    const report = explore(scenario, { name, budget: BUDGET });
    expect(report.failure?.narrative).toBeUndefined();
    expect(report).toMatchObject({ complete: true, failures: 0, tooLong: 0, redundant: 0 });
    const documented = RACES.find(({ race }) => race === `\`${name}\``);
    expect(documented?.[driver]).toBe(report.executions.toLocaleString('en-US'));
  },
);

it.each(racesOf(odp))('docs/exploration.md says what happens in $name', ({ name, title }) => {
  expect(RACES.find(({ race }) => race === `\`${name}\``)?.['what happens']).toBe(title);
});

it('lets the schedule decide what becomes of a page: the device gets it back, or was done with it before', () => {
  const { scenario } = driverScenarios(odp).find(({ name }) => name === 'dontneed')!;
  expect([...explore(scenario).outcomes.keys()].sort()).toEqual(['0 0', '5f 0']);
});

it('lets a device be as quick as a system call, although its accesses take time', () => {
  class Slow extends MirrorDevice {
    override open(mm: MmStruct): Mirror {
      const opened = super.open(mm);
      const write = opened.write.bind(opened);
      opened.write = function* (address, data): ReturnType<Mirror['write']> {
        yield 1000;
        return yield* write(address, data);
      };
      return opened;
    }
  }
  const slow = devicePlugin({ ...mirror.manifest, name: 'slow' }, (name) => new Slow(name));
  const { scenario } = driverScenarios(slow).find(({ name }) => name === 'dontneed')!;
  expect([...explore(scenario).outcomes.keys()].sort()).toEqual(['0 0', '5f 0']);
});
