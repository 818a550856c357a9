import type { Task } from '../../../src/engine/index.js';
import { explore, type ExploreOptions, type Scenario } from '../../../src/check/explore/index.js';

/** Two tasks in two steps each. */
const twice: Scenario = (stage) => {
  const counter = stage.shared('counter', 0);
  function* increment(): Task {
    counter.set(counter.get() + 1);
    yield 0;
    counter.set(counter.get() + 1);
  }
  stage.task('left', increment());
  stage.task('right', increment());
  return () => counter.get();
};

describe('options of explore', () => {
  it.each<[object, string]>([
    [{ budget: { executions: NaN } }, 'option "budget.executions" must be an integer of 1 or more; this is NaN'],
    [{ budget: { executions: 0 } }, 'option "budget.executions" must be an integer of 1 or more; this is 0'],
    [{ budget: { steps: -1 } }, 'option "budget.steps" must be an integer of 1 or more; this is -1'],
    [{ budget: { states: '3' } }, 'option "budget.states" must be an integer of 1 or more; this is "3"'],
    [{ budget: { execution: 3 } }, 'there is no option "budget.execution"; there are executions, states, steps, time'],
    [{ budget: { time: { limit: 1 } } }, 'option "budget.time" must be an object with a clock'],
    [{ budget: { time: { limit: NaN, clock: () => 0 } } }, 'option "budget.time" must be an object with a limit of 0'],
    [{ budget: 3 }, 'option "budget" must be an object: { executions, states, steps, time }; this is 3'],
    [
      { search: 'dpro' },
      'option "search" must be one of dpor, states, naive, context-bound, pct, random; this is "dpro"',
    ],
    [{ stepLimit: NaN }, 'option "stepLimit" must be an integer of 1 or more; this is NaN'],
    [{ stepLimit: 0 }, 'option "stepLimit" must be an integer of 1 or more; this is 0'],
    [{ preemptions: -1 }, 'option "preemptions" must be an integer of 0 or more; this is -1'],
    [{ depth: 0 }, 'option "depth" must be an integer of 1 or more; this is 0'],
    [{ seed: 1.5 }, 'option "seed" must be an integer of 0 or more; this is 1.5'],
    [{ shrink: NaN }, 'option "shrink" must be an integer of 0 or more; this is NaN'],
    [{ budgets: {} }, 'there is no option "budgets"; there are name, search'],
    [{ replay: {} }, 'this is no saved schedule'],
    [
      { replay: { format: 'pinless-schedule', version: 1, turns: [['0', Infinity]] } },
      'this is no saved schedule: ["0",null] is no turn, ["process", steps]',
    ],
  ])('are what they can be: not %j', (options, message) => {
    expect(() => explore(twice, options)).toThrow(message);
  });

  it('may be given as undefined, and a budget as no limit', () => {
    const options = { search: undefined, budget: { executions: Infinity } } as unknown as ExploreOptions;
    expect(explore(twice, options).complete).toBe(true);
  });

  it('name the file that cannot be read, or written, and what failed', () => {
    expect(() => explore(twice, { replay: 'nowhere.json' })).toThrow(
      /^explore: option "replay": "nowhere.json" cannot be used: .*ENOENT/,
    );
    const fails: Scenario = () => {
      throw new Error('it fails');
    };
    expect(() => explore(fails, { saveTo: 'no/such/folder/kept.json' })).toThrow(
      /option "saveTo": cannot write "no\/such\/folder\/kept.json": .*ENOENT.*\nA schedule fails: it fails/,
    );
  });

  it('keep of a failure what its first line says: the rest is told where it fails', () => {
    const scenario: Scenario = (stage) => {
      twice(stage);
      return () => {
        throw new Error('one line\n\nand a window of a trace');
      };
    };
    const { failure } = explore(scenario);
    expect(failure?.message).toContain('window');
    expect(failure?.schedule.failure).toBe('one line');
  });
});

describe('what a stage is given to run', () => {
  it.each<[string, () => unknown, string]>([
    ['a function that nobody called', () => function* (): Task {}, 'this is a function: call it'],
    ['a promise', () => Promise.resolve(), 'this is async: time is virtual, and nothing is awaited'],
    [
      'an async generator',
      () =>
        (async function* () {
          yield await Promise.resolve(0);
        })(),
      'this is async: time is virtual, and nothing is awaited',
    ],
    ['nothing', () => undefined, 'this is undefined'],
  ])('is a task: not %s', (_what, make, message) => {
    for (const method of ['task', 'setUp'] as const) {
      const { failure, complete } = explore((stage) => {
        stage[method]('wrong', make() as Task);
        return undefined;
      });
      expect(failure?.message).toContain(`task "wrong" must be a generator, what a function* returns; ${message}`);
      expect([complete, failure?.steps]).toEqual([true, 0]);
    }
  });
});
