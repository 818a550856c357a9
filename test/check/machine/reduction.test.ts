import { driverScenarios, explore, type ExploreReport, type SearchName } from '../../../src/check/index.js';
import type { DriverPlugin } from '../../../devices/contract/index.js';
import { FAULTY_DRIVERS } from '../../../devices/faulty/index.js';
import { mirror } from '../../../devices/mirror/index.js';
import { odp } from '../../../devices/odp/index.js';

/**
 * The reduction is sound only if the search knows of everything that steps have in common: the kernel's memory, the device, the
 * driver's own state, and what the rules remember. So it is held against the search that assumes nothing.
 */
const SMALL = [
  'dontneed',
  'untouched',
  'munmap',
  'mprotect',
  'read-only',
  'fsync',
  'reap',
  'deregister-fault',
  'offset',
];

/** Races in which a mistake shows, of some ten thousand schedules. */
const LARGE = [
  ['F18', 'fault'],
  ['F23', 'free'],
  ['unregister-race', 'deregister'],
] as const;

function seen(plugin: DriverPlugin, race: string, search: SearchName): ExploreReport {
  const { name, scenario } = driverScenarios(plugin).find((one) => one.name === race)!;
  const report = explore(scenario, { name, search, stopAtFirst: false, shrink: false, budget: { executions: 30_000 } });
  expect(report.complete).toBe(true);
  return report;
}

/** What schedules lead to, good and bad. */
function findings({ outcomes, failureKinds }: ExploreReport): string[] {
  return [...outcomes.keys(), ...failureKinds.keys()].sort();
}

const DRIVERS = [odp, mirror, ...FAULTY_DRIVERS.map(({ plugin }) => plugin)];

it.each(DRIVERS.map((plugin) => ({ name: plugin.manifest.name, plugin })))(
  '$name: the reduced search finds all that every schedule leads to',
  ({ plugin }) => {
    for (const race of SMALL) {
      const [naive, dpor] = [seen(plugin, race, 'naive'), seen(plugin, race, 'dpor')];
      expect([race, findings(dpor)]).toEqual([race, findings(naive)]);
      expect(dpor.executions).toBeLessThanOrEqual(naive.executions);
    }
  },
);

it.each(LARGE)('%s: so it does in %s, with a fraction of the schedules', (id, race) => {
  const { plugin } = FAULTY_DRIVERS.find((faulty) => faulty.id === id)!;
  const [naive, dpor] = [seen(plugin, race, 'naive'), seen(plugin, race, 'dpor')];
  expect(findings(dpor)).toEqual(findings(naive));
  expect(naive.failures).toBeGreaterThan(0);
  expect(dpor.executions).toBeLessThan(naive.executions / 5);
});
