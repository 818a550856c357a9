import { SmallMachine, explore, driverScenarios, type Scenario, type SearchName } from '../../../src/check/index.js';
import type { Task } from '../../../src/engine/index.js';
import type { KernelCore } from '../../../src/kernel/index.js';
import type { InvalidateRange } from '../../../notifiers/index.js';
import { driverPlugin, pluggedIn, type Hardware, type PageFault } from '../../../devices/contract/index.js';
import { OdpDriver } from '../../../devices/odp/index.js';

/** How a driver hears of the end of an invalidation. */
type Hears = (driver: Listening, kernel: KernelCore) => void;

/** A driver that fails where an end comes exactly between two steps of a page fault, in which it does nothing else. */
class Listening extends OdpDriver {
  readonly ranges: InvalidateRange[] = [];
  counted = 0;

  constructor(hardware: Hardware, kernel: KernelCore, hears: Hears) {
    super(hardware, kernel);
    hears(this, kernel);
  }

  ends = (): number => this.counted;

  override *pageFault(fault: PageFault): Task {
    const seen = [this.ends()];
    for (let step = 0; step < 2; step++) {
      yield 0;
      seen.push(this.ends());
    }
    if (seen[1] > seen[0]) throw new Error('an end came first');
    if (seen[2] > seen[1]) throw new Error('an end came second');
    yield* super.pageFault(fault);
  }

  protected override invalidate(...args: Parameters<OdpDriver['invalidate']>): void {
    this.ranges.push(args[1]);
    super.invalidate(...args);
  }
}

const WAYS: readonly (readonly [string, Hears])[] = [
  [
    'the stream of ends',
    (driver, { hub }) => {
      hub.end$.subscribe(() => driver.counted++);
    },
  ],
  [
    'an observer of that stream',
    (driver, { hub }) => {
      hub.end$.subscribe({ next: () => driver.counted++ });
    },
  ],
  [
    'the stream of TLB flushes',
    (driver, { hub }) => {
      hub.secondaryTlbs$.subscribe(() => driver.counted++);
    },
  ],
  [
    'the ranges themselves',
    (driver) => {
      driver.ends = () => driver.ranges.filter(({ endedAt }) => endedAt !== null).length;
    },
  ],
];

function failures(hears: Hears, search: SearchName): string[] {
  const plugin = driverPlugin(
    { name: 'listening', title: 'hears of ends', onDemandPaging: true },
    (hardware, kernel) => new Listening(hardware, kernel, hears),
  );
  const { scenario } = driverScenarios(plugin).find(({ name }) => name === 'fault')!;
  const report = explore(scenario, { search, stopAtFirst: false, shrink: false, budget: { executions: 3000 } });
  return [...report.failureKinds.keys()].sort();
}

it.each(WAYS)('what a driver learns from %s is part of what its steps depend on', (_what, hears) => {
  expect(failures(hears, 'random')).toEqual(['Error an end came first', 'Error an end came second']);
  expect(failures(hears, 'dpor')).toEqual(['Error an end came first', 'Error an end came second']);
});

/** The same driver with a process that the scenario has made itself, and that hears of invalidations by its notifier. */
const secondProcess: Scenario = (stage) => {
  const machine = new SmallMachine(stage);
  const { kernel } = machine;
  const plugin = driverPlugin(
    { name: 'listening', title: 'hears of starts', onDemandPaging: true },
    (hardware, itsKernel) =>
      new Listening(hardware, itsKernel, (driver) => {
        driver.ends = () => driver.ranges.length;
      }),
  );
  const device = machine.plugIn(pluggedIn(plugin), 'device');
  const process = kernel.createProcess('second');
  const address = machine.address(0);
  machine.before('mmap', kernel.mmap(process, { address, length: 4096, prot: 'rw', share: 'private' }));
  machine.before('register', device.register(process.mm, address, 4096));
  machine.before('store', kernel.store(process, address, 1));
  machine.device('write', device.access('write', address, 64));
  machine.systemCall('madvise', kernel.madviseDontneed(process, address, 4096));
  return () => {
    machine.finish();
    return undefined;
  };
};

it('a device may use any process of the machine', () => {
  const options = { stopAtFirst: false, shrink: false, budget: { executions: 3000 } } as const;
  const [random, dpor] = (['random', 'dpor'] as const).map((search) =>
    [...explore(secondProcess, { ...options, search }).failureKinds.keys()].sort(),
  );
  expect(random).toEqual(['Error an end came first', 'Error an end came second']);
  expect(dpor).toEqual(random);
});
