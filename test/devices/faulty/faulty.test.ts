import { Container } from 'inversify';
import type { Violation } from '../../../src/check/index.js';
import { US } from '../../../src/engine/index.js';
import { DriverFactory, type DriverPlugin } from '../../../devices/contract/index.js';
import { FAULTY_DRIVERS } from '../../../devices/faulty/index.js';
import { OdpDriver } from '../../../devices/odp/index.js';
import { RdmaPair } from '../../support/rdma-pair.js';
import { SCENARIOS, type Scenario } from './scenarios.js';

/** What rules a driver breaks when a story is told, by the delay in us. */
function told(scenario: Scenario, driver: DriverFactory): Map<number, Violation> {
  const violations = new Map<number, Violation>();
  for (const delay of scenario.delays) {
    const pair = new RdmaPair({ driver });
    try {
      pair.run(scenario.story(pair, delay * US));
      pair.rules.finish();
    } catch (error) {
      const violation = pair.rules.explain(error);
      if (violation === null) throw error;
      violations.set(delay, violation);
    }
  }
  return violations;
}

describe.each(FAULTY_DRIVERS)('$id: a driver that $plugin.manifest.title', ({ id, rule, plugin }) => {
  const scenario = SCENARIOS[id];

  it(`breaks ${rule}`, () => {
    const violations = [...told(scenario, factoryOf(plugin)).values()];
    expect(violations.map((violation) => violation.rule)).toContain(rule);
    expect(new Set(violations.map((violation) => violation.rule))).toEqual(new Set([rule]));
    expect(violations[0].device).toContain(plugin.manifest.name);
  });

  it('does not while it is right: the ODP driver passes the same story, whatever the delay', () => {
    expect([...told(scenario, (hardware, kernel) => new OdpDriver(hardware, kernel))]).toEqual([]);
  });
});

it.each(FAULTY_DRIVERS.filter(({ id }) => SCENARIOS[id].delays.length > 1))(
  '$id is a race: at other moments nothing happens',
  ({ id, plugin }) => {
    const scenario = SCENARIOS[id];
    expect(told(scenario, factoryOf(plugin)).size).toBeLessThan(scenario.delays.length);
  },
);

function factoryOf({ module }: DriverPlugin): DriverFactory {
  const container = new Container();
  container.load(module);
  return container.get<DriverFactory>(DriverFactory);
}
