import { PAGE_SIZE, createWorld, driverScenarios, observeNic, type Process, type Task, type World } from 'pinless';
import { connectedNics, describeDriver, traceOf, type ConnectedNics, type WatchedTrace } from 'pinless/testing';
import plugin from '../src/my-driver.js';

const PAGES = 4;

/** A server with some memory whose NIC has the driver, and a client that is connected to it; the rules watch the server. */
interface Setup extends World {
  readonly process: Process;
  readonly start: number;
  readonly nics: ConnectedNics;
  readonly trace: WatchedTrace;
}

function setUp(): Setup {
  const world = createWorld({ memory: 2 ** 26 });
  const { kernel, simulation } = world;
  const nics = connectedNics(world, { driver: plugin });
  const trace = traceOf(world, { rules: true }).watch(observeNic(nics.server));
  const process = kernel.createProcess('server');
  const options = { length: PAGES * PAGE_SIZE, prot: 'rw', share: 'private' } as const;
  const { start } = simulation.runTask('mmap', kernel.mmap(process, options));
  return { ...world, process, start, nics, trace };
}

/** Runs a task to its end, under the rules. */
function run({ simulation, trace }: Setup, task: Task): void {
  expect(trace).toKeepTheRules(() => simulation.runTask('test', task));
}

describe('a region', () => {
  it('begins without pages; the device asks for what it needs, once', () => {
    const s = setUp();
    const seen = new Uint8Array(3);
    const { stats } = s.nics.driver;
    function* story(): Task {
      const region = yield* s.nics.register({ mm: s.process.mm, start: s.start, length: PAGES * PAGE_SIZE });
      expect(stats.faults).toBe(0);
      yield* s.nics.write(region, PAGE_SIZE - 1, Uint8Array.of(7, 8));
      expect(stats.faults).toBeGreaterThan(0);
      const { faults } = stats;
      yield* s.nics.write(region, PAGE_SIZE, Uint8Array.of(9));
      expect(stats.faults).toBe(faults);
      yield* s.kernel.load(s.process, s.start + PAGE_SIZE - 2, seen);
    }
    run(s, story());
    expect([...seen]).toEqual([0, 7, 9]);
  });
});

describe('an invalidation', () => {
  it('waits for the DMA in flight, and has what was written dirty before the kernel goes on', () => {
    const s = setUp();
    function* story(): Task {
      const region = yield* s.nics.register({ mm: s.process.mm, start: s.start, length: PAGES * PAGE_SIZE });
      yield* s.nics.write(region, 0, new Uint8Array(PAGE_SIZE));
      s.nics.postWrite(region, 0, new Uint8Array(PAGE_SIZE));
      yield* s.trace.next('device_write');
      yield* s.kernel.madviseDontneed(s.process, s.start, PAGE_SIZE);
      yield* s.nics.completion();
    }
    run(s, story());
    const page = s.trace.page(s.start);
    const range = page.range({ event: 'CLEAR' });
    expect(page).not.toBeDrainedBefore(range.start);
    expect(page).toHaveNoAccessBetween(range.returned, range.end);
    expect(page.device('server')).toInvalidateBefore(range.returned);
    expect(s.trace.since(range.start).first('folio_mark_dirty')).toHappenBefore(range.returned);
  });
});

describe('whatever the schedule', () => {
  // For most of them that is a proof: there are no more schedules that differ. For the others it is as many as told.
  it.each(driverScenarios(plugin))('$name: $title', ({ scenario }) => {
    expect(scenario).toHoldInEverySchedule({ budget: { executions: 200 }, boundedIsEnough: true });
  });
});

// What `pinless check-driver` does, with less of what is random.
describeDriver(plugin, { module: './src/my-driver.ts', storms: 10, programs: 100 });
