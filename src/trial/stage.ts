import { HPAGE_SIZE, PAGE_SIZE, type ErrnoCode } from '../base/index.js';
import { MS, RandomPolicy, RandomStream, SEC, type Task } from '../engine/index.js';
import { Ext4, Hugetlbfs, Shmem, type FileSystem, type Inode } from '../fs/index.js';
import { P0, P1, Process, createWorld, type KernelCore, type World } from '../kernel/index.js';
import { VM_READ, VM_SHARED, VM_WRITE, forkMm, mmap, mprotect } from '../mm/index.js';
import { CONNECTX, type DeviceProfile } from '../../devices/nic/index.js';
import { NicTriedDevice } from './device/nic-tried-device.js';
import { SvmTriedDevice } from './device/svm-tried-device.js';
import type { Refusal, Rights, TriedDevice, Window } from './device/tried-device.js';
import { Endless, Unexpected, expectEqual, expectPages } from './expect.js';
import type { Subject } from './subject.js';
import type { Outcome } from './suite.js';
import { TrialWatch, notMade } from './watch/trial-watch.js';

/** Where stories map their memory: on a border of 1 GiB. */
export const BASE = 2 ** 40;

export const NONE = 0;
export const READ = VM_READ;
export const WRITE = VM_READ | VM_WRITE;
export const SHARED = VM_SHARED;

const MEMORY = 64 * 2 ** 20;

/** HMM_RANGE_DEFAULT_TIMEOUT five times over: by then a driver has given up, or never will. */
const HUNG_AFTER = 5 * SEC;
/** Stories take milliseconds. */
const LATEST_END = 10 * SEC;
/** I/O that nobody waits for has ended by then. */
const SETTLES = 100 * MS;

export interface StoryOptions {
  /** Draws which ready task goes next; absent: first in, first out. */
  readonly seed?: number;
  /** What the NIC is like; default ConnectX. */
  readonly profile?: DeviceProfile;
}

/**
 * A machine with one process and the device that is tried, for stories: addresses are page numbers, and whatever is opened or
 * forked is closed and gone at the end. The rules watch.
 */
export class Stage {
  readonly world: World;
  readonly kernel: KernelCore;
  readonly process: Process;
  readonly device: TriedDevice;
  readonly watch: TrialWatch;
  private readonly windows = new Set<Window>();
  private readonly processes: Process[] = [];
  private readonly devices: TriedDevice[] = [];

  constructor(
    readonly subject: Subject,
    private readonly options: StoryOptions,
  ) {
    const { seed } = options;
    this.world = createWorld({
      memory: MEMORY,
      hungTaskNs: HUNG_AFTER,
      // A driver that pins is to be tried on files, too.
      policy: subject.pins ? P0 : P1,
      ...(seed === undefined ? {} : { seed, schedule: new RandomPolicy(new RandomStream(seed).split('schedule')) }),
    });
    this.kernel = this.world.kernel;
    this.watch = new TrialWatch(subject, this.kernel.mm);
    this.device = this.newDevice('device0');
    this.process = this.newProcess('app');
  }

  /** Another device with a driver of its own. */
  newDevice(name: string): TriedDevice {
    const { kernel, watch, options } = this;
    const { tried } = this.subject;
    const device =
      tried.kind === 'nic-driver'
        ? new NicTriedDevice(kernel, tried.create, options.profile ?? CONNECTX, () => watch.census.note('R13'), name)
        : new SvmTriedDevice(kernel, tried.create, name);
    for (const observed of device.observed) watch.watch(observed);
    this.devices.push(device);
    return device;
  }

  /** mmap at a page. @param flags READ or WRITE, and SHARED */
  *map(pages: number, flags: number, file?: Inode, page = 0): Task {
    const of = file === undefined ? {} : { file: { file, pgoff: 0 } };
    yield* mmap(this.process.mm, { address: address(page), length: pages * PAGE_SIZE, flags, ...of });
  }

  *protect(pages: number, flags: number, page = 0): Task {
    yield* mprotect(this.process.mm, address(page), pages * PAGE_SIZE, flags);
  }

  *munmap(page: number, pages: number): Task {
    yield* this.kernel.munmap(this.process, address(page), pages * PAGE_SIZE);
  }

  *fork(): Task<Process> {
    const child = new Process(this.processes.length + 1, 'child', yield* forkMm(this.process.mm, 'child'));
    this.processes.push(child);
    return child;
  }

  /** Another process. */
  newProcess(name: string): Process {
    const process = this.kernel.createProcess(name);
    this.processes.push(process);
    return process;
  }

  /** Lets the device use [page, page + pages) of a process. */
  *open(
    pages: number,
    rights: Rights = 'write',
    { process = this.process, page = 0, device = this.device } = {},
  ): Task<Window> {
    return yield* this.openBytes(address(page), pages * PAGE_SIZE, rights, process, device);
  }

  *openBytes(
    start: number,
    length: number,
    rights: Rights = 'write',
    process = this.process,
    device = this.device,
  ): Task<Window> {
    const window = yield* device.open(process, start, length, rights);
    this.windows.add(window);
    return window;
  }

  *close(window: Window): Task {
    this.windows.delete(window);
    yield* window.close();
  }

  /** A file of shared anonymous memory. */
  shmem(pages: number): Inode {
    return this.mount(Shmem).createFile('shmem', pages * PAGE_SIZE, 'hole');
  }

  hugetlb(bytes = HPAGE_SIZE): Inode {
    return this.mount(Hugetlbfs).createFile('hugetlb', bytes, 'hole');
  }

  ext4(pages: number): Inode {
    return this.mount(Ext4).createFile('file', pages * PAGE_SIZE, 'written');
  }

  /** The CPU stores bytes. */
  *store(at: number, bytes: Uint8Array, process = this.process): Task {
    expectEqual('the signal of a store by the CPU', yield* this.kernel.store(process, at, bytes.length, bytes), null);
  }

  *load(at: number, length: number, process = this.process): Task<Uint8Array> {
    const target = new Uint8Array(length);
    expectEqual('the signal of a load by the CPU', yield* this.kernel.load(process, at, target), null);
    return target;
  }

  /** The CPU stores a byte at the beginning of each page. */
  *fill(pages: number, value: (page: number) => number, process = this.process): Task {
    for (let page = 0; page < pages; page++) yield* this.store(address(page), Uint8Array.of(value(page)), process);
  }

  /** The CPU must find these bytes at the beginnings of pages. */
  *expectSeen(what: string, pages: number, value: (page: number) => number, process = this.process): Task {
    const seen: number[] = [];
    for (let page = 0; page < pages; page++) seen.push((yield* this.load(address(page), 1, process))[0]);
    expectPages(`${what}, as the CPU of ${process.name} sees it`, seen, value);
  }

  /** The device must read these bytes at the beginnings of pages. */
  *expectRead(window: Window, what: string, pages: number, value: (page: number) => number, page = 0): Task {
    const target = new Uint8Array(pages * PAGE_SIZE);
    expectEqual(`${what}: a read by the device`, yield* window.read(address(page), target), null);
    const firsts = Array.from({ length: pages }, (_, i) => target[i * PAGE_SIZE]);
    expectPages(`${what}, as the device reads it`, firsts, value);
  }

  /** The device writes whole pages that begin with these bytes. */
  *deviceWrite(window: Window, pages: number, value: (page: number) => number, page = 0): Task<Refusal> {
    const data = new Uint8Array(pages * PAGE_SIZE);
    for (let i = 0; i < pages; i++) data[i * PAGE_SIZE] = value(i);
    return yield* window.write(address(page), data);
  }

  *expectWritten(window: Window, what: string, pages: number, value: (page: number) => number, page = 0): Task {
    expectEqual(`${what}: a write by the device`, yield* this.deviceWrite(window, pages, value, page), null);
  }

  /** An access must be refused as HMM's fault would refuse it. */
  *expectRefused(what: string, access: Task<Refusal>, errno: ErrnoCode): Task {
    expectEqual(what, yield* access, this.device.refusal(errno));
  }

  /** @internal closes and exits whatever is left */
  *end(): Task {
    for (const window of this.windows) yield* window.close();
    for (const process of [...this.processes].reverse()) yield* this.kernel.exit(process);
  }

  /** A story that closes nothing by itself: devices go when their process has gone, as at exit(2). */
  *endWithoutClosing(): Task {
    for (const process of [...this.processes].reverse()) yield* this.kernel.exit(process);
    for (const window of this.windows) yield* window.close();
  }

  /** @internal everything has been closed: nothing of a driver is left, of what failed neither. */
  expectNothingLeft(): void {
    for (const device of this.devices) {
      const left = device.left();
      if (left !== null) throw new Unexpected(`when everything had been deregistered, ${left}`);
    }
    for (const { mm } of this.processes) {
      const { subscribers } = mm.notifiers;
      if (subscribers.length === 0) continue;
      const who = `"${subscribers[0]}" was still subscribed to ${mm.name}, and keeps it`;
      throw new Unexpected(`when everything had been closed, ${who}`);
    }
  }

  private mount<T extends FileSystem>(Kind: new (...args: ConstructorParameters<typeof Ext4>) => T): T {
    return new Kind(this.kernel.mm, this.kernel.fs.device);
  }
}

/** Tells a story to its end, under the rules, and looks whether anything is left behind. */
export function tell(subject: Subject, story: (stage: Stage) => Task, options: StoryOptions = {}): Outcome {
  let stage: Stage;
  try {
    stage = new Stage(subject, options);
  } catch (error) {
    return notMade(error);
  }
  try {
    perform(stage, story, options);
    return stage.watch.outcome(null);
  } catch (error) {
    return stage.watch.outcome(error);
  }
}

function perform(stage: Stage, story: (stage: Stage) => Task, { seed = 0 }: StoryOptions): void {
  const { simulation } = stage.world;
  simulation.after(LATEST_END, 'time limit', () => {
    throw new Endless(`it has not ended after ${String(LATEST_END / SEC)} virtual seconds`);
  });
  function* whole(): Task {
    yield* story(stage);
    // Processes go in one way or the other.
    yield* seed % 2 === 0 ? stage.end() : stage.endWithoutClosing();
  }
  simulation.runTask('story', whole());
  simulation.runUntil(simulation.now + SETTLES);
  stage.watch.finish();
  stage.expectNothingLeft();
}

export function address(page: number): number {
  return BASE + page * PAGE_SIZE;
}
