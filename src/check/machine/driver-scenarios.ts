import { PAGE_SIZE } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { Scenario } from '../explore/index.js';
import { P0 } from '../../kernel/index.js';
import { ADVICES, VM_READ, exitMmap, forkMm, madvise, mprotect } from '../../mm/index.js';
import { pluggedIn, type DriverPlugin, type PluggedIn } from '../../../devices/contract/index.js';
import type { Violation } from '../violation.js';
import type { DeviceUnderTest } from './device-under-test.js';
import { SmallMachine, type DeviceWatch } from './small-machine.js';

/** One race between devices and the kernel, as small as it can be: every schedule of it can be tried. */
export interface DriverScenario {
  readonly name: string;
  /** What happens, in a sentence. */
  readonly title: string;
  readonly scenario: Scenario;
  /** The rule that an error of the scenario's latest run is about; null if it is about none. */
  explain(error: unknown): Violation | null;
}

/** Names and titles of the races. */
export function driverRaces(): readonly Pick<DriverScenario, 'name' | 'title'>[] {
  return RACES;
}

/**
 * Every race in which a driver is tried. One that follows notifiers is held to the rules. One that pins is on a kernel that
 * lets it pin what it likes, and no rule binds it: what is looked for is a deadlock, or an assertion that fails.
 */
export function driverScenarios(plugin: DriverPlugin, watch?: DeviceWatch): DriverScenario[] {
  return scenariosOf(pluggedIn(plugin), plugin.manifest.onDemandPaging, watch);
}

/** The same of what a plugin makes. */
export function scenariosOf(plugged: PluggedIn, onDemandPaging: boolean, watch?: DeviceWatch): DriverScenario[] {
  return RACES.map(({ name, title, setUp }) => {
    let latest: SmallMachine | null = null;
    return {
      name,
      title,
      scenario: (stage) => {
        const machine = new SmallMachine(stage, {
          ...(onDemandPaging ? {} : { policy: P0, underRules: false }),
          ...(watch === undefined ? {} : { watch }),
        });
        latest = machine;
        setUp(new Race(machine, plugged));
        return () => {
          machine.finish();
          return outcome(machine);
        };
      },
      explain: (error) => latest?.rules.explain(error) ?? null,
    };
  });
}

/** Bytes of an access: less than a page, so that it is seen where in the page it goes. */
const BYTES = 64;

/** A call on page 0, which is at that address. */
type Call = (machine: SmallMachine, address: number) => Task<unknown>;

interface NamedRace {
  readonly name: string;
  readonly title: string;
  readonly setUp: (race: Race) => void;
}

/** What races are told in. */
class Race {
  readonly device: DeviceUnderTest;

  constructor(
    readonly machine: SmallMachine,
    private readonly plugged: PluggedIn,
  ) {
    this.device = machine.plugIn(plugged, 'device');
  }

  /** Another device, with a driver of its own. */
  another(): DeviceUnderTest {
    return this.machine.plugIn(this.plugged, 'another device');
  }

  /** Registers pages from page 0 on, from a byte of it on. */
  register(pages: number, within = 0, device = this.device): void {
    const { machine } = this;
    machine.before('register', device.register(machine.process.mm, machine.address(0) + within, pages * PAGE_SIZE));
  }

  /** One access, by a task of its own. */
  access(kind: 'read' | 'write', page = 0, within = 0, device = this.device): void {
    const { name } = device;
    this.machine.device(`${kind} by ${name}`, device.access(kind, this.machine.address(page) + within, BYTES));
  }

  /** Accesses to page 0, one after the other. */
  accesses(kinds: readonly ('read' | 'write')[]): void {
    const { device, machine } = this;
    const all = kinds.map((kind) => device.access(kind, machine.address(0), BYTES));
    machine.device(`${kinds.join(' and ')} by ${device.name}`, inOrder(all));
  }

  /** A call on page 0 that has returned before the race begins. */
  before(name: string, task: Call): void {
    this.machine.before(name, task(this.machine, this.machine.address(0)));
  }

  /** A call on page 0, by a task of its own. */
  call(name: string, task: Call): void {
    this.machine.systemCall(name, task(this.machine, this.machine.address(0)));
  }
}

/** A page of anonymous memory that the device has; it writes to it, and somebody makes a call. */
function written(name: string, title: string, call: string, task: Call): NamedRace {
  return {
    name,
    title,
    setUp: (race) => {
      race.machine.mapAnon(1);
      race.register(1);
      race.access('write');
      race.call(call, task);
    },
  };
}

const RACES: readonly NamedRace[] = [
  written('dontneed', 'madvise(MADV_DONTNEED) takes a page that the device writes', 'madvise', dontneed),
  {
    name: 'fault',
    title: 'madvise(MADV_DONTNEED) takes a page that the device has yet to fault in',
    setUp: (race) => {
      race.machine.mapAnon(1, { written: false });
      race.register(1);
      race.machine.write(0);
      race.access('write');
      race.call('madvise', dontneed);
    },
  },
  {
    name: 'read-fault',
    title: 'madvise(MADV_DONTNEED) takes a page that the device has yet to fault in, to read it',
    setUp: (race) => {
      race.machine.mapAnon(1, { written: false });
      race.register(1);
      race.machine.write(0);
      race.access('read');
      race.call('madvise', dontneed);
    },
  },
  {
    name: 'untouched',
    title: 'madvise(MADV_DONTNEED) takes a page that the device never wanted',
    setUp: (race) => {
      race.machine.mapAnon(1, { written: false });
      race.register(1);
      race.call('madvise', dontneed);
    },
  },
  {
    name: 'two-devices',
    title: 'munmap takes a page that two devices write',
    setUp: (race) => {
      const another = race.another();
      race.machine.mapAnon(1);
      race.register(1);
      race.register(1, 0, another);
      race.access('write');
      race.access('write', 0, 0, another);
      race.call('munmap', unmap);
    },
  },
  written('munmap', 'munmap takes a page that the device writes', 'munmap', unmap),
  written(
    'mprotect',
    'mprotect takes the right to write from a page that the device writes',
    'mprotect',
    ({ process }, address) => mprotect(process.mm, address, PAGE_SIZE, VM_READ),
  ),
  written(
    'fork',
    'fork makes a page that the device writes copy-on-write; the child goes, the parent writes',
    'fork',
    forkAndWrite,
  ),
  {
    name: 'read-only',
    title: 'the device reads a page of a file, which is clean, and writes it',
    setUp: (race) => {
      race.machine.mapFile(1);
      race.register(1);
      race.machine.read(0);
      race.accesses(['read', 'write']);
    },
  },
  {
    name: 'fsync',
    title: 'fsync cleans a page of a file that the device writes',
    setUp: (race) => {
      const inode = race.machine.mapFile(1);
      race.machine.write(0);
      race.register(1);
      race.access('write');
      race.call('fsync', ({ kernel }) => kernel.fsync(inode));
    },
  },
  {
    name: 'free',
    title: 'a page was given up, madvise(MADV_FREE); the device writes it while reclaim comes for it',
    setUp: (race) => {
      race.machine.mapAnon(1);
      race.register(1);
      race.before('madvise', ({ process: { mm } }, address) => madvise(mm, address, PAGE_SIZE, ADVICES.free));
      race.access('write');
      race.call('madvise', ({ process: { mm } }, address) => madvise(mm, address, PAGE_SIZE, ADVICES.pageout));
    },
  },
  written(
    'reap',
    'the OOM reaper, which may not block, comes for a page that the device writes',
    'oom_reap_task',
    ({ kernel, process }) => kernel.oomReap(process),
  ),
  written('exit', 'the process ends while the device writes a page of it', 'exit', ({ kernel, process }) =>
    kernel.exit(process),
  ),
  {
    name: 'deregister',
    title: 'a region is deregistered while the kernel takes a page of it that the device writes',
    setUp: (race) => {
      race.machine.mapAnon(1);
      race.register(1);
      race.access('write');
      race.machine.device('dereg_mr', race.device.deregister());
      race.call('madvise', dontneed);
    },
  },
  {
    name: 'deregister-fault',
    title: 'a region is deregistered while the device waits for a page of it',
    setUp: (race) => {
      race.machine.mapAnon(1, { written: false });
      race.register(1);
      race.access('write');
      race.machine.device('dereg_mr', race.device.deregister());
    },
  },
  {
    name: 'offset',
    title: 'the device writes to a region that begins in the middle of a page',
    setUp: (race) => {
      race.machine.mapAnon(2);
      race.register(1, 1024);
      race.access('write', 0, 1024);
      race.call('madvise', dontneed);
    },
  },
];

function* inOrder(tasks: readonly Task[]): Task {
  for (const task of tasks) yield* task;
}

function dontneed({ kernel, process }: SmallMachine, address: number): Task {
  return kernel.madviseDontneed(process, address, PAGE_SIZE);
}

function unmap({ kernel, process }: SmallMachine, address: number): Task {
  return kernel.munmap(process, address, PAGE_SIZE);
}

function* forkAndWrite({ kernel, process }: SmallMachine, address: number): Task {
  const child = yield* forkMm(process.mm, 'child');
  yield* kernel.store(process, address, 1);
  yield* exitMmap(child);
}

/** What a schedule has led to: what the entries of the first pages allow. */
function outcome(machine: SmallMachine): string {
  const { pageTable } = machine.process.mm;
  return [0, 1].map((page) => (pageTable.get(machine.address(page) / PAGE_SIZE) & 0xfff).toString(16)).join(' ');
}
