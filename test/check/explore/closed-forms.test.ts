import type { Task } from '../../../src/engine/index.js';
import { explore, type Scenario, type SearchName } from '../../../src/check/explore/index.js';

/** A writer and readers of one variable. */
function readers(count: number): Scenario {
  return (stage) => {
    const x = stage.shared('x', 0);
    function* read(): Task {
      x.get();
    }
    function* write(): Task {
      x.set(1);
    }
    stage.task('writer', write());
    for (let i = 0; i < count; i++) stage.task(`reader ${i}`, read());
    return undefined;
  };
}

/** Each of `count` tasks adds 1 to what its left neighbour has; another looks for the last zero. */
function lastzero(count: number): Scenario {
  return (stage) => {
    const array = Array.from({ length: count + 1 }, (_, i) => stage.shared(`array[${i}]`, 0));
    function* add(i: number): Task {
      const left = array[i - 1].get();
      yield 0;
      array[i].set(left + 1);
    }
    function* look(): Task {
      for (let i = count; array[i].get() !== 0; i--) yield 0;
    }
    stage.task('look', look());
    for (let i = 1; i <= count; i++) stage.task(`add ${i}`, add(i));
    return undefined;
  };
}

/** `tasks` tasks count `steps` times, on a counter that all share, on it the last time only, or each on its own. */
function counters(tasks: number, steps: number, sharing: 'all' | 'last' | 'none'): Scenario {
  return (stage) => {
    const common = stage.shared('common', 0);
    function* count(task: number): Task {
      const own = stage.shared(`own ${task}`, 0);
      for (let step = 1; step <= steps; step++) {
        if (step > 1) yield 0;
        const counter = sharing === 'all' || (sharing === 'last' && step === steps) ? common : own;
        counter.set(counter.get() + 1);
      }
    }
    for (let task = 0; task < tasks; task++) stage.task(`counter ${task}`, count(task));
    return undefined;
  };
}

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1);
}

function counted(scenario: Scenario, search: SearchName = 'dpor'): unknown {
  const { executions, redundant, complete } = explore(scenario, { search });
  return { executions, redundant, complete };
}

function exactly(executions: number): unknown {
  return { executions, redundant: 0, complete: true };
}

describe('the reduced search explores as many executions as there are Mazurkiewicz traces, and begins no other', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('readers(%i): 2^N', (count) => {
    expect(counted(readers(count))).toEqual(exactly(2 ** count));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])('lastzero(%i): (N+3) 2^(N-2)', (count) => {
    expect(counted(lastzero(count))).toEqual(exactly((count + 3) * 2 ** (count - 2)));
  });

  describe.each([
    [2, 2],
    [2, 6],
    [3, 2],
    [3, 3],
    [4, 2],
  ])('%i tasks of %i steps', (tasks, steps) => {
    const multinomial = factorial(tasks * steps) / factorial(steps) ** tasks;

    it('on one counter: all interleavings, (NM)! / (M!)^N', () => {
      expect(counted(counters(tasks, steps, 'all'))).toEqual(exactly(multinomial));
    });

    it('on one counter in their last steps: N!', () => {
      expect(counted(counters(tasks, steps, 'last'))).toEqual(exactly(factorial(tasks)));
    });

    it('each on its own: 1', () => {
      expect(counted(counters(tasks, steps, 'none'))).toEqual(exactly(1));
    });

    it('all interleavings by the naive search, whatever they share', () => {
      expect(counted(counters(tasks, steps, 'none'), 'naive')).toEqual(exactly(multinomial));
    });
  });
});
