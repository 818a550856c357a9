import { Lock, type Task } from '../../../src/engine/index.js';
import { describeReport, explore, type Scenario } from '../../../src/check/explore/index.js';

/** Two tasks add 1 to a counter: read it, give way, write it back. */
const lostUpdate: Scenario = (stage) => {
  const counter = stage.shared('counter', 0);
  function* increment(): Task {
    const seen = counter.get();
    yield 0;
    counter.set(seen + 1);
  }
  stage.task('left', increment());
  stage.task('right', increment());
  return () => {
    if (counter.get() !== 2) throw new Error(`an update was lost: the counter is ${counter.get()}`);
    return undefined;
  };
};

/** The same under a lock. */
const locked: Scenario = (stage) => {
  const counter = stage.shared('counter', 0);
  const lock = new Lock(stage.simulation, 'the lock');
  function* increment(): Task {
    yield lock;
    const seen = counter.get();
    yield 0;
    counter.set(seen + 1);
    lock.release();
  }
  stage.task('left', increment());
  stage.task('right', increment());
  return () => counter.get();
};

describe('a scenario', () => {
  it('is run under every schedule, and what they lead to is counted', () => {
    const report = explore(locked, { search: 'naive' });
    expect(report.complete).toBe(true);
    expect(report.coverage).toBe('every schedule');
    expect([...report.outcomes.keys()]).toEqual(['2']);
  });

  it('fails under the first schedule in which it throws', () => {
    const report = explore(lostUpdate, { search: 'naive' });
    expect(report.failure?.message).toBe('an update was lost: the counter is 1');
    expect(report.complete).toBe(false);
    expect(describeReport(report)).toContain('stopped at the first schedule that fails');
  });

  it('goes on after a failure if it is asked to', () => {
    const report = explore(lostUpdate, { search: 'naive', stopAtFirst: false });
    expect(report).toMatchObject({ executions: 6, failures: 4, complete: true });
  });

  it('is replayed by one option', () => {
    const schedule = explore(lostUpdate, { search: 'naive' }).failure?.schedule;
    expect(schedule?.turns).toEqual([
      ['0', 1],
      ['1', 2],
      ['0', 1],
    ]);
    expect(schedule?.names).toEqual({ '0': 'left', '1': 'right' });
    const again = explore(lostUpdate, { replay: schedule! });
    expect(again).toMatchObject({ executions: 1, failures: 1, coverage: 'one schedule' });
  });

  it('has a budget, and the report says what was left', () => {
    const report = explore(locked, { search: 'naive', budget: { executions: 3 } });
    expect(report).toMatchObject({
      executions: 3,
      complete: false,
      coverage: 'stopped after 3 executions, short of every schedule',
    });
  });

  it('may be given wall time, by the clock that the caller hands over', () => {
    let now = 0;
    const report = explore(locked, { search: 'naive', budget: { time: { limit: 10, clock: () => (now += 4) } } });
    expect(report.coverage).toBe('stopped after 10 of the clock, short of every schedule');
  });

  it('is not followed for ever', () => {
    const endless: Scenario = (stage) => {
      stage.task(
        'spinner',
        (function* (): Task {
          for (;;) yield 0;
        })(),
      );
      return undefined;
    };
    const report = explore(endless, { search: 'naive', stepLimit: 100 });
    expect(report).toMatchObject({ executions: 1, tooLong: 1, complete: false });
    expect(report.coverage).toBe('every schedule, but for 1 execution given up after 100 steps');
  });

  it('fails if its tasks block each other', () => {
    const report = explore((stage) => {
      const locks = ['a', 'b'].map((name) => new Lock(stage.simulation, `lock ${name}`));
      function* take(first: Lock, second: Lock): Task {
        yield first;
        yield second;
        second.release();
        first.release();
      }
      stage.task('ab', take(locks[0], locks[1]));
      stage.task('ba', take(locks[1], locks[0]));
      return undefined;
    });
    expect(report.failure?.message).toMatch(/these tasks wait for each other/);
  });

  it('must do the same each time', () => {
    let calls = 0;
    const fickle: Scenario = (stage) => {
      const call = ++calls;
      stage.task(
        'fickle',
        (function* (): Task {
          yield 0;
          if (call === 1) throw new Error('once');
        })(),
      );
      return undefined;
    };
    expect(() => explore(fickle)).toThrow(/does not do the same twice/);
  });

  it('is judged when it returns: whatever is async fails', () => {
    const asyncFinale = (() => () => Promise.reject(new Error('unheard'))) as unknown as Scenario;
    expect(explore(asyncFinale).failure?.message).toMatch(/the finale returned a promise/);
    const asyncScenario = (() => Promise.resolve()) as unknown as Scenario;
    expect(explore(asyncScenario).failure?.message).toMatch(/this one returned a promise: it must not be async/);
    expect(explore((() => 3) as unknown as Scenario).failure?.message).toMatch(/returned number and no function/);
  });
});
