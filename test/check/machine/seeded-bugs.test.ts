import { driverScenarios, explore, type DriverScenario, type ExploreReport } from '../../../src/check/index.js';
import { FAULTY_DRIVERS, type FaultyDriver } from '../../../devices/faulty/index.js';
import { docTable } from '../../support/doc-table.js';

/** In which race a mistake shows, which rules it breaks there, with how few context switches, and after how many steps then. */
const SEEDED = docTable('docs/exploration.md', 'driver');

function raceOf({ plugin }: FaultyDriver, name: string): DriverScenario {
  return driverScenarios(plugin).find((race) => race.name === name)!;
}

/** Kinds of failures: for a broken rule, its number and no more. */
function kinds({ failureKinds }: ExploreReport): string {
  return [...failureKinds.keys()].sort().join(' | ');
}

describe.each(FAULTY_DRIVERS)('$id: a driver that $plugin.manifest.title', (faulty) => {
  const seeded = SEEDED.find(({ driver }) => driver === `\`${faulty.id}\``)!;
  const name = seeded.race.replaceAll('`', '');
  // The shortest schedule may break another rule than the one that the mistake is about.
  const [first] = seeded.breaks.split(', ');
  const race = raceOf(faulty, name);

  it(`is found in ${name}: no schedule with fewer context switches breaks ${first}`, () => {
    const { failure } = explore(race.scenario, { name });
    expect(failure).toMatchObject({
      contextSwitches: Number(seeded['context switches']),
      steps: Number(seeded.steps),
      fewest: true,
    });
    expect(race.explain(failure!.error)).toMatchObject({ rule: first });
  });

  it('breaks its rule', () => {
    expect(seeded.breaks.split(', ')).toContain(faulty.rule);
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
