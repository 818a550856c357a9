import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Task } from '../../src/engine/index.js';
import { explore, traceOf, type SavedSchedule, type Scenario } from '../../src/testing/index.js';
import { failureOf } from './failure-of.js';
import { hmmScenario, smallSystem } from './hmm-scenario.js';

/** Two tasks add 1 to a counter without a lock. */
const lostUpdate: Scenario = function lostUpdate(stage) {
  const counter = stage.shared('counter', 0);
  function* increment(): Task {
    const seen = counter.get();
    yield 0;
    counter.set(seen + 1);
  }
  stage.task('left', increment());
  stage.task('right', increment());
  return () => {
    expect(counter.get()).toBe(2);
    return undefined;
  };
};

/** The same, in one step each. */
const atomicUpdate: Scenario = function atomicUpdate(stage) {
  const counter = stage.shared('counter', 0);
  function* increment(): Task {
    counter.set(counter.get() + 1);
  }
  stage.task('left', increment());
  stage.task('right', increment());
  return () => counter.get();
};

/** Two processes that have nothing in common but the trace that both are in. */
const twoProcesses: Scenario = function twoProcesses(stage) {
  const system = smallSystem(stage);
  const mms = ['first', 'second'].map((name) => system.newMm(name));
  const trace = traceOf(system);
  for (const mm of mms) {
    stage.task(
      mm.name,
      (function* (): Task {
        mm.notifiers.archInvalidateSecondaryTlbs(0x1000, 0x2000);
      })(),
    );
  }
  return () => {
    const [first, second] = mms.map((mm) => trace.event('mmu_notifier_arch_invalidate_secondary_tlbs', { mm }));
    expect(first).toHappenBefore(second);
    return undefined;
  };
};

describe('toHoldInEverySchedule', () => {
  it.each(['dpor', 'naive'] as const)(
    'holds if a search that covers every schedule finds none that fails: %s',
    (search) => {
      expect(atomicUpdate).toHoldInEverySchedule({ search });
      expect(lostUpdate).not.toHoldInEverySchedule({ search });
    },
  );

  it('tells the shortest schedule that fails, and how to run it again', () => {
    const message = failureOf(() => expect(lostUpdate).toHoldInEverySchedule());
    expect(message).toMatch(/^expect\(lostUpdate\)\.toHoldInEverySchedule\(\)\n\nlostUpdate \(dpor\): \d+ executions?/);
    expect(message).toMatch(/fails after 4 steps and 2 context switches \(no fewer will do\)/);
    expect(message).toMatch(/counter is 0[^]*\| right:[^]*counter = 1/);
    const [, replay] =
      /This schedule alone, again: toHoldInEverySchedule\(\{ replay: (\{.*\}) \}\)$/.exec(message) ?? [];
    const again = failureOf(() =>
      expect(lostUpdate).toHoldInEverySchedule({ replay: JSON.parse(replay) as SavedSchedule }),
    );
    expect(again).toMatch(/lostUpdate \(replay\): 1 execution/);
    expect(again).not.toMatch(/again:/);
  });

  it('names the file if the schedule was saved to one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pinless-'));
    const saveTo = join(folder, 'schedule.json');
    try {
      const message = failureOf(() => expect(lostUpdate).toHoldInEverySchedule({ saveTo }));
      expect(message).toContain(`again: toHoldInEverySchedule({ replay: '${saveTo}' })`);
      expect(explore(lostUpdate, { replay: saveTo }).failures).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says of .not that no schedule fails', () => {
    expect(failureOf(() => expect(atomicUpdate).not.toHoldInEverySchedule())).toMatch(
      /^expect\(atomicUpdate\)\.not\.toHoldInEverySchedule\(\)\n\nNo schedule fails that was looked at\.\natomicUpdate \(dpor\)/,
    );
  });

  it.each([
    ['a budget', { search: 'naive', budget: { executions: 1 } }],
    ['samples', { search: 'random', budget: { executions: 3 } }],
    ['bounded preemptions', { search: 'context-bound', preemptions: 0 }],
  ] as const)('does not hold after a search that is not complete: %s', (_what, options) => {
    const assertion = (): void => expect(atomicUpdate).toHoldInEverySchedule(options);
    expect(failureOf(assertion)).toMatch(
      /No schedule fails that was looked at, but not every one was\. .*boundedIsEnough/,
    );
    expect(() => expect(atomicUpdate).not.toHoldInEverySchedule(options)).toThrow(/but not every one was/);
    expect(atomicUpdate).toHoldInEverySchedule({ ...options, boundedIsEnough: true });
  });

  it('does not hold because one schedule is replayed that fails no more', () => {
    const replay = explore(lostUpdate).failure!.schedule;
    const fixed: Scenario = (stage) => {
      lostUpdate(stage);
      return undefined;
    };
    const assertion = (): void => expect(fixed).toHoldInEverySchedule({ replay, boundedIsEnough: true });
    expect(failureOf(assertion)).toMatch(/Only the schedule of the option `replay` was run, and it fails no more/);
  });

  it.each<[string, Scenario, RegExp]>([
    [
      'a question about what is not there',
      (stage) => {
        atomicUpdate(stage);
        const trace = traceOf(smallSystem(stage));
        return () => {
          trace.first('device_write');
          return undefined;
        };
      },
      /no device_write in this trace/,
    ],
    [
      'a scenario that cannot be built',
      () => {
        throw new Error('there is no such file');
      },
      /there is no such file/,
    ],
  ])('is not made to hold by .not and %s', (_what, scenario, message) => {
    expect(() => expect(scenario).toHoldInEverySchedule()).toThrow(message);
    const not = (): void => expect(scenario).not.toHoldInEverySchedule();
    expect(not).toThrow(message);
    expect(not).toThrow('That is no order that a schedule breaks: the question cannot be asked.');
  });

  it.each(['dpor', 'naive', 'random'] as const)('does not hold if no schedule comes to its end: %s', (search) => {
    const endless: Scenario = (stage) => {
      stage.task(
        'spins',
        (function* (): Task {
          for (;;) yield 0;
        })(),
      );
      return undefined;
    };
    const options = { search, stepLimit: 50, budget: { executions: 3 }, boundedIsEnough: true };
    expect(failureOf(() => expect(endless).toHoldInEverySchedule(options))).toMatch(
      /No schedule came to its end\. A task that looks again and again goes on for ever/,
    );
    expect(() => expect(endless).not.toHoldInEverySchedule(options)).toThrow('No schedule came to its end.');
  });

  it('does not hold if tasks share what the search is not told of', () => {
    const untold: Scenario = (stage) => {
      let counter = 0;
      function* increment(): Task {
        const seen = counter;
        yield 0;
        counter = seen + 1;
      }
      stage.task('left', increment());
      stage.task('right', increment());
      return () => {
        expect(counter).toBe(2);
        return undefined;
      };
    };
    expect(failureOf(() => expect(untold).toHoldInEverySchedule())).toMatch(
      /a schedule that should be like one of these fails: tasks share what the search was not told of/,
    );
  });

  it('is asked of scenarios', () => {
    expect(() => expect('scenario' as unknown as Scenario).toHoldInEverySchedule()).toThrow(
      'toHoldInEverySchedule is asked of a scenario: (stage) => { … }; this is scenario',
    );
  });
});

describe('a trace in a scenario', () => {
  it('takes no schedule away, and has every order explored of what it records', () => {
    const [traced, bare] = [true, false].map((is) => explore(hmmScenario({ traced: is })));
    expect([traced.complete, bare.complete]).toEqual([true, true]);
    expect(traced.executions).toBeGreaterThanOrEqual(bare.executions);
    expect(bare.executions).toBeGreaterThan(1);
  });

  it.each(['dpor', 'states'] as const)('is no proof of an order that only the search has chosen: %s', (search) => {
    expect(twoProcesses).not.toHoldInEverySchedule({ search });
  });

  it('is what an assertion that does not hold in every schedule shows', () => {
    const message = failureOf(() => expect(hmmScenario({ asksTooMuch: true })).toHoldInEverySchedule());
    expect(message).toMatch(/device_write hmm_dmirror0/);
    expect(message).toMatch(/The first comes after the second\./);
  });
});
