import { messageOf } from '../../../src/engine/index.js';
import type { Ending } from '../../../src/check/explore/director.js';
import { DporSearch } from '../../../src/check/explore/dpor-search.js';
import type { Scenario } from '../../../src/check/explore/index.js';
import { EverySchedule } from '../../support/explore/every-schedule.js';
import { randomScenario, type RandomScenarioOptions } from '../../support/explore/random-scenario.js';

const STEPS = 1000;
const SEEDS = 120;
/** Scenarios with more schedules than this prove nothing that smaller ones do not, and take long. */
const MOST = 400;

interface All {
  /** How executions ended. */
  readonly endings: Set<string>;
  /** The executions that differ in something. */
  readonly traces: Set<string>;
  readonly executions: number;
}

function ended(ending: Exclude<Ending, { kind: 'cut' }>): string {
  return ending.kind === 'done' ? String(ending.outcome) : `failed: ${messageOf(ending.error)}`;
}

/** Runs a search to its end; null if there are too many executions. */
function all(search: DporSearch | EverySchedule, scenario: Scenario): All | null {
  const endings = new Set<string>();
  const traces = new Set<string>();
  for (let executions = 1; executions <= MOST; executions++) {
    const ending = search.run(scenario);
    if (ending.kind !== 'cut') {
      endings.add(ended(ending));
      traces.add(search.canonicalTrace());
    }
    if (!search.advance(ending)) return { endings, traces, executions };
  }
  return null;
}

/** Calls `compare` for each random scenario that is small enough. @returns how many there were */
function forEachScenario(
  options: RandomScenarioOptions,
  compare: (seed: number, every: All, reduced: All, search: DporSearch) => void,
): number {
  let compared = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const scenario = randomScenario(seed, options);
    const every = all(new EverySchedule(STEPS), scenario);
    if (every === null) continue;
    const search = new DporSearch(STEPS);
    const reduced = all(search, scenario);
    if (reduced === null) throw new Error(`seed ${seed}: the reduced search takes more executions than every schedule`);
    compare(seed, every, reduced, search);
    compared++;
  }
  return compared;
}

describe('the reduced search, beside every schedule of random scenarios', () => {
  it('shows every trace, each of them once', () => {
    const compared = forEachScenario({}, (seed, every, reduced, search) => {
      expect({ seed, traces: reduced.traces }).toEqual({ seed, traces: every.traces });
      const { executions } = reduced;
      expect({ seed, executions, redundant: search.redundant }).toEqual({
        seed,
        executions: every.traces.size,
        redundant: 0,
      });
    });
    expect(compared).toBeGreaterThan(SEEDS / 2);
  });

  it('shows every trace where what a step sees decides what else it uses; few executions are begun in vain', () => {
    let executions = 0;
    let redundant = 0;
    forEachScenario({ conditional: true }, (seed, every, reduced, search) => {
      expect({ seed, endings: [...reduced.endings].sort() }).toEqual({ seed, endings: [...every.endings].sort() });
      expect({ seed, executions: reduced.executions - search.redundant }).toEqual({
        seed,
        executions: every.traces.size,
      });
      executions += reduced.executions;
      redundant += search.redundant;
    });
    expect(redundant / executions).toBeLessThan(0.02);
  });

  it('shows every failure, and whatever else the schedules that do not fail lead to', () => {
    let failing = 0;
    forEachScenario({ conditional: true, fails: true }, (seed, every, reduced) => {
      expect({ seed, endings: [...reduced.endings].sort() }).toEqual({ seed, endings: [...every.endings].sort() });
      if ([...every.endings].some((ending) => ending.startsWith('failed'))) failing++;
    });
    expect(failing).toBeGreaterThan(SEEDS / 10);
  });
});
