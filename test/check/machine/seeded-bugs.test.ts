import { driverScenarios, explore, type DriverScenario, type ExploreReport } from '../../../src/check/index.js';
import { FAULTY_DRIVERS, type FaultyDriver } from '../../../devices/faulty/index.js';

/** In which race a mistake shows, with how few context switches, and after how many steps then. */
interface Seeded {
  readonly race: string;
  readonly switches: number;
  readonly steps: number;
  /** The rule that the shortest schedule breaks, if it is not the one that the mistake is about. */
  readonly first?: string;
}

const SEEDED: Readonly<Record<string, Seeded>> = {
  F16: { race: 'read-only', switches: 2, steps: 7 },
  F17: { race: 'dontneed', switches: 0, steps: 2 },
  F18: { race: 'fault', switches: 6, steps: 12, first: 'R2' },
  F19: { race: 'fsync', switches: 3, steps: 10 },
  F20: { race: 'reap', switches: 0, steps: 2 },
  F23: { race: 'free', switches: 7, steps: 17 },
  F24: { race: 'offset', switches: 0, steps: 1 },
  'double-release': { race: 'dontneed', switches: 1, steps: 7 },
  'leaked-hold': { race: 'untouched', switches: 1, steps: 3 },
  'unregister-race': { race: 'deregister', switches: 1, steps: 3 },
  'stale-child': { race: 'deregister-fault', switches: 4, steps: 8 },
};

function raceOf({ plugin }: FaultyDriver, name: string): DriverScenario {
  return driverScenarios(plugin).find((race) => race.name === name)!;
}

/** Kinds of failures: for a broken rule, its number and no more. */
function kinds({ failureKinds }: ExploreReport): string {
  return [...failureKinds.keys()].sort().join(' | ');
}

describe.each(FAULTY_DRIVERS)('$id: a driver that $plugin.manifest.title', (faulty) => {
  const { race: name, switches, steps, first = faulty.rule } = SEEDED[faulty.id];
  const race = raceOf(faulty, name);

  it(`is found in ${name}: no schedule with fewer context switches breaks ${first}`, () => {
    const { failure } = explore(race.scenario, { name });
    expect(failure).toMatchObject({ contextSwitches: switches, steps, fewest: true });
    expect(race.explain(failure!.error)).toMatchObject({ rule: first });
  });

  it('breaks its rule', () => {
    const report = explore(race.scenario, { name, stopAtFirst: false, shrink: false });
    expect(report.complete).toBe(true);
    const rules = faulty.rule === 'R9' ? /ProtocolError|DeadlockError/ : new RegExp(`RuleViolation ${faulty.rule}\\b`);
    expect(kinds(report)).toMatch(rules);
  });

  it('fails again when its schedule is replayed', () => {
    const { failure } = explore(race.scenario, { name });
    const again = explore(race.scenario, { name, replay: failure!.schedule });
    expect(again).toMatchObject({ executions: 1, failures: 1 });
    expect(again.failure?.message).toBe(failure?.message);
  });
});

it('tells a schedule in two columns: who is to blame, and the others', () => {
  const faulty = FAULTY_DRIVERS.find(({ id }) => id === 'F20')!;
  const { failure } = explore(raceOf(faulty, 'reap').scenario, { name: 'reap' });
  expect(failure?.narrative).toMatch(/oom_reap_task:\n +takes mmap_lock of mm of app/);
  expect(failure?.narrative).toContain('rule R6 broken by driver "faulty-f20" of device');
});
