import { PAGE_SIZE, createWorld, driverScenarios, isErrno, type Process, type Task, type World } from 'pinless';
import { describeDriver, traceOf, type WatchedTrace } from 'pinless/testing';
import plugin, { MyDevice } from '../src/my-device.js';
import type { MyContext } from '../src/my-context.js';

const PAGES = 8;

/** A machine with a process that has some memory and that the device has open, all of it watched by the rules. */
interface Setup extends World {
  readonly process: Process;
  readonly start: number;
  readonly device: MyDevice;
  readonly context: MyContext;
  readonly trace: WatchedTrace;
}

function setUp(prot: 'r' | 'rw' = 'rw'): Setup {
  const world = createWorld({ memory: 2 ** 26 });
  const { kernel, simulation } = world;
  const device = new MyDevice('my-device', kernel);
  const trace = traceOf(world, { rules: true }).watch(device);
  const process = kernel.createProcess('app');
  const options = { length: PAGES * PAGE_SIZE, prot, share: 'private' } as const;
  const { start } = simulation.runTask('mmap', kernel.mmap(process, options));
  return { ...world, process, start, device, context: device.open(process.mm), trace };
}

/** Runs tasks side by side, to the end of all of them, under the rules. */
function run({ simulation, trace }: Setup, ...tasks: Task<unknown>[]): void {
  function* together(): Task {
    const handles = tasks.map((task, i) => simulation.spawn(`task ${i}`, task));
    for (const handle of handles) yield handle;
  }
  expect(trace).toKeepTheRules(() => simulation.runTask('test', together()));
}

/** The error number of a task that must fail. */
function* errnoOf(task: Task): Task<string> {
  try {
    yield* task;
  } catch (error) {
    if (isErrno(error)) return error.code;
    throw error;
  }
  return 'none';
}

describe('memory', () => {
  it('is the same for the device and the CPU, across pages', () => {
    const s = setUp();
    const [seenByCpu, seenByDevice] = [new Uint8Array(2), new Uint8Array(3)];
    function* story(): Task {
      yield* s.context.write(s.start + PAGE_SIZE - 1, Uint8Array.of(7, 8));
      yield* s.kernel.load(s.process, s.start + PAGE_SIZE - 1, seenByCpu);
      yield* s.kernel.store(s.process, s.start + PAGE_SIZE, 1, Uint8Array.of(9));
      yield* s.context.read(s.start + PAGE_SIZE - 2, seenByDevice);
    }
    run(s, story());
    expect([[...seenByCpu], [...seenByDevice]]).toEqual([
      [7, 8],
      [0, 7, 9],
    ]);
  });

  it('that may only be read is read, and not written', () => {
    const s = setUp('r');
    const refused = s.simulation.spawn('write', errnoOf(s.context.write(s.start, new Uint8Array(1))));
    run(s, s.context.read(s.start, new Uint8Array(1)));
    expect(refused.result).toBe('EPERM');
  });

  it('that is not there is EFAULT; that of a process that has gone, EINVAL', () => {
    const s = setUp();
    const behind = s.start + PAGES * PAGE_SIZE;
    const hole = s.simulation.spawn('hole', errnoOf(s.context.read(behind, new Uint8Array(1))));
    run(s, s.kernel.exit(s.process));
    const gone = s.simulation.spawn('gone', errnoOf(s.context.read(s.start, new Uint8Array(1))));
    run(s, s.context.close());
    expect([hole.result, gone.result]).toEqual(['EFAULT', 'EINVAL']);
  });
});

describe('the fault queue', () => {
  it('has a page many times, which is served once', () => {
    const s = setUp();
    const thread = (): Task => s.context.write(s.start, new Uint8Array(8));
    run(s, thread(), thread());
    expect(s.device.faults.stats).toEqual({ raised: 2, served: 1, stalls: 0 });
  });

  it('is full: accesses stall until the replay, and all of them come through', () => {
    const s = setUp();
    const threads = Array.from({ length: PAGES }, (_, page) =>
      s.context.write(s.start + page * PAGE_SIZE, Uint8Array.of(page)),
    );
    run(s, ...threads);
    const seen = new Uint8Array(PAGES * PAGE_SIZE);
    run(s, s.kernel.load(s.process, s.start, seen));
    expect(seen.filter((_, i) => i % PAGE_SIZE === 0)).toEqual(Uint8Array.from({ length: PAGES }, (_, i) => i));
    expect(s.device.faults.stats.stalls).toBeGreaterThan(0);
    expect(s.device.faults.stats.served).toBe(PAGES);
  });
});

describe('an invalidation', () => {
  it('waits for the access in flight, and has what was written dirty before the kernel goes on', () => {
    const s = setUp();
    function* dontneedMeanwhile(): Task {
      yield* s.trace.next('device_write');
      yield* s.kernel.madviseDontneed(s.process, s.start, PAGE_SIZE);
    }
    run(s, s.context.write(s.start, new Uint8Array(8)), dontneedMeanwhile());
    const page = s.trace.page(s.start);
    const range = page.range({ event: 'CLEAR' });
    expect(page).not.toBeDrainedBefore(range.start);
    expect(page).toHaveNoAccessBetween(range.returned, range.end);
    expect(page.device('my-device')).toInvalidateBefore(range.returned);
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
describeDriver(plugin, { module: './src/my-device.ts', storms: 10, programs: 100 });
