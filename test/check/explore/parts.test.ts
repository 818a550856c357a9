import type { Task } from '../../../src/engine/index.js';
import { explore, type Scenario } from '../../../src/check/index.js';

/** What one has said last is a plain variable: nothing tells the search of it. */
function lastOf(two: (name: string, say: () => void) => Task, within: boolean): Scenario {
  return (stage) => {
    let last = '';
    const part = stage.state();
    for (const name of ['a', 'b']) {
      const start = (): unknown =>
        stage.task(
          name,
          two(name, () => (last = name)),
        );
      if (within) stage.within(part, start);
      else start();
    }
    return () => last;
  };
}

/** Says its name in the second step. */
function* inItsSecondStep(_name: string, say: () => void): Task {
  yield 0;
  say();
}

function outcomes(scenario: Scenario): string[] {
  return [...explore(scenario).outcomes.keys()].sort();
}

describe('code that does not say what it does to what tasks share', () => {
  it('may hide an order from the search', () => {
    expect(outcomes(lastOf(inItsSecondStep, false))).toHaveLength(1);
  });

  it('is all known as one thing within a part', () => {
    expect(outcomes(lastOf(inItsSecondStep, true))).toEqual(['a', 'b']);
  });

  it('and so is what its tasks start: other tasks, and timers', () => {
    const scenario: Scenario = (stage) => {
      let last = '';
      const part = stage.state();
      const { simulation } = stage;
      stage.within(part, () => {
        stage.task(
          'parent',
          (function* () {
            yield simulation.spawn(
              'child',
              (function* (): Task {
                yield 0;
                last = 'task';
              })(),
            );
          })(),
        );
        simulation.after(0, 'timer', () => (last = 'timer'));
      });
      return () => last;
    };
    expect(outcomes(scenario)).toEqual(['task', 'timer']);
  });

  it('can be a task that is somebody else’s, step by step', () => {
    const scenario: Scenario = (stage) => {
      let last = '';
      const part = stage.state();
      for (const name of ['a', 'b']) {
        stage.task(
          name,
          stage.stepsWithin(
            part,
            inItsSecondStep(name, () => (last = name)),
          ),
        );
      }
      return () => last;
    };
    expect(outcomes(scenario)).toEqual(['a', 'b']);
  });

  it('gets the errors that it waits for', () => {
    const scenario: Scenario = (stage) => {
      let caught = '';
      function* catching(): Task {
        try {
          yield -1;
        } catch (error) {
          caught = (error as Error).message;
        }
      }
      stage.task('one', stage.stepsWithin(stage.state(), catching()));
      return () => caught;
    };
    expect(outcomes(scenario)).toEqual([expect.stringMatching(/-1/)]);
  });
});
