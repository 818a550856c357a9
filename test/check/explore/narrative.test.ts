import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Lock, type Task } from '../../../src/engine/index.js';
import { explore, parseSchedule, type Scenario } from '../../../src/check/explore/index.js';

/** A task that looks at a page before it takes the lock that protects it. */
const useAfterFree: Scenario = (stage) => {
  const page = stage.shared('page', 'mapped');
  const lock = new Lock(stage.simulation, 'page lock');
  function* device(): Task {
    const seen = page.get();
    yield lock;
    stage.note('DMA write');
    if (seen !== page.get()) throw new Error(`a page is written that is ${page.get()}`);
    lock.release();
  }
  function* kernel(): Task {
    yield lock;
    page.set('free');
    lock.release();
  }
  stage.task('device', device());
  stage.task('kernel', kernel());
  return undefined;
};

describe('a failing schedule', () => {
  it('is told in two columns, the culprit on the left', () => {
    expect(explore(useAfterFree).failure?.narrative.split('\n')).toEqual([
      '   1                                                  | kernel:',
      '                                                      |   takes page lock',
      '',
      '   2  device:',
      '        page is mapped',
      '        waits for page lock',
      '',
      '   3                                                  | kernel:',
      '                                                      |   page = free',
      '                                                      |   lets device go on',
      '                                                      |   releases page lock',
      '                                                      |   ends',
      '',
      '   4  device:',
      '        has got page lock',
      '        DMA write',
      '        page is free',
      '        page is free',
      '',
      'task "device" failed at 0 ns (seed 1): a page is written that is free',
    ]);
  });

  it('is told with the columns that the scenario wants', () => {
    const { failure } = explore(useAfterFree, { isLeft: (name) => name === 'kernel' });
    expect(failure?.narrative.split('\n')[0]).toBe('   1  kernel:');
  });

  it('is as it was found if it is not to be shrunk', () => {
    const { failure } = explore(useAfterFree, { search: 'random', seed: 3, shrink: false });
    expect(failure?.fewest).toBe(false);
    expect(failure?.steps).toBe(failure?.foundWith.steps);
  });

  it('is saved as JSON, and run again from its file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pinless-'));
    const file = join(folder, 'schedule.json');
    try {
      const { failure } = explore(useAfterFree, { saveTo: file });
      expect(parseSchedule(readFileSync(file, 'utf8'))).toEqual(failure?.schedule);
      const again = explore(useAfterFree, { replay: file });
      expect(again.failure).toEqual({ ...failure, fewest: false, foundWith: again.failure?.foundWith });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('that does not fit the scenario is refused', () => {
    const schedule = explore(useAfterFree).failure!.schedule;
    const other: Scenario = (stage) => {
      stage.task('alone', (function* (): Task {})());
      return undefined;
    };
    expect(() => explore(other, { replay: schedule })).toThrow(
      /does not fit this run: step 1 is of "1", and only "alone"/,
    );
  });

  it('of another version is refused', () => {
    const schedule = { ...explore(useAfterFree).failure!.schedule, version: 0 };
    expect(() => parseSchedule(JSON.stringify(schedule))).toThrow('a saved schedule of version 0, where 1 is known');
    expect(() => parseSchedule('{}')).toThrow('this is no saved schedule');
  });
});
