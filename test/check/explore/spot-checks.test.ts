import type { Task } from '../../../src/engine/index.js';
import { describeReport, explore, type Scenario } from '../../../src/check/explore/index.js';

/** Two tasks add 1 to a plain variable, of which no search is told. */
function untold(finale: (counter: number) => number): Scenario {
  return (stage) => {
    let counter = 0;
    function* increment(): Task {
      const seen = counter;
      yield 0;
      counter = seen + 1;
    }
    stage.task('left', increment());
    stage.task('right', increment());
    return () => finale(counter);
  };
}

const fails = untold((counter) => {
  if (counter !== 2) throw new Error(`an update was lost: the counter is ${String(counter)}`);
  return counter;
});

describe.each(['dpor', 'states'] as const)('state that tasks share and do not tell of, %s', (search) => {
  it('is found by schedules at random: one that fails is the failure', () => {
    const report = explore(fails, { search, spotChecks: 20 });
    expect(report).toMatchObject({ complete: false, failures: 1 });
    expect(describeReport(report)).toMatch(
      /a schedule that should be like one of these fails: tasks share what the search was not told of \(stage\.shared/,
    );
    expect(report.failure).toMatchObject({ steps: 4, contextSwitches: 2, fewest: false });
    expect(explore(fails, { replay: report.failure!.schedule }).failures).toBe(1);
  });

  it('is found by schedules at random: one may lead elsewhere', () => {
    const report = explore(
      untold((counter) => counter),
      { search, spotChecks: 20 },
    );
    expect(report).toMatchObject({ complete: false, failure: null });
    expect(report.coverage).toMatch(/^a schedule that should be like one of these leads to [12]: tasks share what/);
  });

  it('is not looked for if nobody asks', () => {
    expect(explore(fails, { search })).toMatchObject({ complete: true, failures: 0 });
  });
});

it('schedules at random count neither as executions nor as steps, and find nothing where all is told', () => {
  const told: Scenario = (stage) => {
    const x = stage.shared('x', 0);
    for (const value of [1, 2, 3]) {
      stage.task(
        String(value),
        (function* (): Task {
          x.set(value);
        })(),
      );
    }
    return () => x.get();
  };
  const [checked, unchecked] = [50, 0].map((spotChecks) => explore(told, { spotChecks }));
  expect(checked).toEqual(unchecked);
  expect(checked.complete).toBe(true);
});

it('a search that was cut short of its end says so, and not that the rest is covered', () => {
  const spins: Scenario = (stage) => {
    const flag = stage.shared('flag', false);
    stage.task(
      'looks',
      (function* (): Task {
        while (!flag.get()) {
          stage.known(1);
          yield 0;
        }
      })(),
    );
    stage.task(
      'sets',
      (function* (): Task {
        flag.set(true);
      })(),
    );
    return undefined;
  };
  expect(explore(spins, { stepLimit: 100 })).toMatchObject({
    complete: false,
    coverage:
      '1 execution given up after 100 steps and not looked at any further, short of every schedule, up to the order of ' +
      'steps that do not depend on each other',
  });
  expect(explore(spins, { search: 'random', seed: 1, stepLimit: 3, budget: { executions: 50 } }).coverage).toMatch(
    /^50 schedules at random, but for \d+ executions given up after 3 steps$/,
  );
  expect(explore(spins, { search: 'states', stepLimit: 100 })).toMatchObject({ complete: true, tooLong: 0 });
});
