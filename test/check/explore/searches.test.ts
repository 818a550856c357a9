import { messageOf, type Task } from '../../../src/engine/index.js';
import { explore, type Scenario, type SearchName } from '../../../src/check/explore/index.js';
import { ContextBoundSearch } from '../../../src/check/explore/context-bound-search.js';
import { NaiveSearch } from '../../../src/check/explore/naive-search.js';
import type { Search } from '../../../src/check/explore/search.js';
import { StateSearch } from '../../../src/check/explore/state-search.js';
import { protocol } from '../../../bench/s8-protocol.js';
import { randomScenario } from '../../support/explore/random-scenario.js';

const STEPS = 1000;
const MOST = 400;

/** How the executions of a search ended; null if there are too many. */
function endings(search: Search, scenario: Scenario): Set<string> | null {
  const seen = new Set<string>();
  for (let executions = 1; executions <= MOST; executions++) {
    const ending = search.run(scenario);
    if (ending.kind === 'done') seen.add(String(ending.outcome));
    if (ending.kind === 'failed') seen.add(messageOf(ending.error));
    if (!search.advance(ending)) return seen;
  }
  return null;
}

/** Two tasks that count to `steps` and say where they are. */
function counting(steps: number): Scenario {
  return (stage) => {
    function* count(task: number): Task {
      const counter = stage.shared(`counter ${task}`, 0);
      for (let step = 1; step <= steps; step++) {
        counter.set(step);
        stage.known(step);
        yield 0;
      }
    }
    stage.task('left', count(0));
    stage.task('right', count(1));
    return undefined;
  };
}

describe('the search for states', () => {
  it('comes to each state once: a grid, where schedules are ways through it', () => {
    const report = explore(counting(9), { search: 'states' });
    // Each of two tasks is at one of its 10 places, or has ended.
    expect(report).toMatchObject({ states: 121, complete: true });
    expect(report.executions).toBeLessThan(20);
  });

  it('sees how each schedule can end, whatever tasks say of themselves', () => {
    for (const conditional of [false, true]) {
      for (let seed = 1; seed <= 200; seed++) {
        const scenario = randomScenario(seed, { conditional, fails: conditional });
        const every = endings(new NaiveSearch(STEPS), scenario);
        if (every === null) continue;
        const states = endings(new StateSearch(STEPS), scenario);
        expect({ seed, endings: [...(states ?? [])].sort() }).toEqual({ seed, endings: [...every].sort() });
      }
    }
  });

  it('ends where states come again: a task that spins is no endless execution', () => {
    const scenario: Scenario = (stage) => {
      const flag = stage.shared('flag', false);
      function* spin(): Task {
        while (!flag.get()) {
          stage.known(1);
          yield 0;
        }
      }
      function* raise(): Task {
        flag.set(true);
      }
      stage.task('spinner', spin());
      stage.task('raiser', raise());
      return undefined;
    };
    expect(explore(scenario, { search: 'states', stepLimit: 100 })).toMatchObject({ complete: true, tooLong: 0 });
    expect(explore(scenario, { search: 'dpor', stepLimit: 100, budget: { executions: 10 } }).complete).toBe(false);
  });
});

describe('context bounds', () => {
  it('with more preemptions than there can be cover every schedule', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const scenario = randomScenario(seed);
      const every = endings(new NaiveSearch(STEPS), scenario);
      if (every === null) continue;
      expect(endings(new ContextBoundSearch(STEPS, 50), scenario)).toEqual(every);
    }
  });

  it('without any let tasks go on until they wait', () => {
    const report = explore(counting(9), { search: 'context-bound', preemptions: 0 });
    expect(report).toMatchObject({ executions: 2, complete: true });
    expect(report.coverage).toBe('every schedule with at most 0 preemptions');
  });
});

describe('samples', () => {
  it('are the same for the same seed, and others for another', () => {
    const outcomes = (seed: number): string => {
      const scenario = randomScenario(45);
      const report = explore(scenario, { search: 'random', seed, budget: { executions: 20 } });
      return JSON.stringify([...report.outcomes]);
    };
    expect(outcomes(1)).toBe(outcomes(1));
    expect(outcomes(1)).not.toBe(outcomes(2));
  });

  it('never count as complete, and PCT says how likely it is to have missed a bug', () => {
    const report = explore(counting(3), { search: 'pct', depth: 2, budget: { executions: 50 } });
    expect(report.complete).toBe(false);
    // 2 processes, 8 steps: each execution finds it with a probability of 1 / (2 * 8).
    expect(report.coverage).toBe(
      '50 schedules by PCT: of 2 processes and 8 steps, a bug of depth 2 is missed with a probability of at most 0.040',
    );
  });
});

describe('a driver that does not wait for DMA in flight', () => {
  const broken = protocol({ devices: 2, writes: 1, invalidations: 1, drains: false });

  it.each<SearchName>(['dpor', 'states', 'naive', 'context-bound', 'pct', 'random'])(
    'is found by %s, and it takes 10 steps and 5 context switches',
    (search) => {
      const { failure } = explore(broken, { search });
      expect(failure?.message).toMatch(/wrote frame 0, which is not mapped/);
      expect(failure).toMatchObject({ steps: 10, contextSwitches: 5, fewest: true });
    },
  );

  it('is found among all schedules of one that waits by none', () => {
    const sound = protocol({ devices: 2, writes: 1, invalidations: 1 });
    for (const search of ['dpor', 'states'] as const) {
      expect(explore(sound, { search })).toMatchObject({ failures: 0, complete: true });
    }
  });
});
