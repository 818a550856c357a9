import { driverScenarios } from '../../../src/check/index.js';
import { SUITES, subjectOf } from '../../../src/trial/index.js';
import { driverPlugin, type DriverPlugin, type PageFault } from '../../../devices/contract/index.js';
import { FAULTY_DRIVERS } from '../../../devices/faulty/index.js';
import { mirror } from '../../../devices/mirror/index.js';
import { OdpDriver, odp } from '../../../devices/odp/index.js';
import type { Task } from '../../../src/engine/index.js';
import type { Outcome } from '../../../src/trial/suite.js';

const { tests } = SUITES.find(({ name }) => name === 'exploration')!;

function explored(plugin: DriverPlugin, race: string): Outcome {
  return tests.find(({ name }) => name === race)!.run(subjectOf(plugin), 1, false);
}

function faulty(id: string): DriverPlugin {
  return FAULTY_DRIVERS.find((driver) => driver.id === id)!.plugin;
}

describe('the suite of explorations', () => {
  it('has a test for each race of a driver', () => {
    const races = driverScenarios(odp).map(({ name }) => name);
    expect(tests.map(({ name }) => name)).toEqual([...races, 'two-devices-at-random']);
  });

  it('finds what two drivers get wrong together, which they keep in their module', () => {
    let faulting = 0;
    class OneAtATime extends OdpDriver {
      override *pageFault(fault: PageFault): Task {
        if (faulting > 0) throw new Error('two at a time');
        faulting++;
        yield* super.pageFault(fault);
        faulting--;
      }
    }
    const plugin = driverPlugin(odp.manifest, (hardware, kernel) => {
      faulting = 0;
      return new OneAtATime(hardware, kernel);
    });
    expect(explored(plugin, 'two-devices-at-random').failure?.reason).toContain('two at a time');
  });

  it.each([odp, mirror])('passes $manifest.name, and knows which rules were put to the test', (plugin) => {
    const { failure, exercised } = explored(plugin, 'fsync');
    expect(failure).toBeNull();
    expect([...exercised]).toEqual(expect.arrayContaining(['R1', 'R2', 'R3', 'R5', 'R10', 'R11', 'R20']));
    expect(exercised.has('R6')).toBe(false);
  });

  it('names the rule that a driver breaks, and tells the schedule', () => {
    const { failure } = explored(faulty('F20'), 'reap');
    expect(failure?.rule).toBe('R6');
    expect(failure?.reason).toMatch(/its translation is left, to frame \d+, when the start returned/);
    expect(failure?.reason).toContain('fails after 2 steps and 0 context switches (no fewer will do)');
  });

  it('says so where there are more schedules than it looks at', () => {
    class Dawdling extends OdpDriver {
      override *pageFault(fault: PageFault): Task {
        for (let i = 0; i < 3; i++) yield 0;
        yield* super.pageFault(fault);
      }
    }
    const plugin = driverPlugin(odp.manifest, (hardware, kernel) => new Dawdling(hardware, kernel));
    expect(explored(odp, 'fault').uncovered).toBeUndefined();
    const outcome = explored(plugin, 'fork');
    expect([outcome.failure, outcome.uncovered]).toEqual([null, expect.stringContaining('too many schedules')]);
  });

  it('says of a run that stands still who holds the range', () => {
    const { failure } = explored(faulty('leaked-hold'), 'untouched');
    expect(failure?.rule).toBe('R9');
    expect(failure?.reason).toContain('held by "faulty-leaked-hold"');
  });
});
