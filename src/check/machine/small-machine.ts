import { PAGE_SIZE, PageContents } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import { BlockDevice, Ext4, Flusher, LINUX_WRITEBACK_TIMERS, NVME, type Inode } from '../../fs/index.js';
import { KernelCore, P1, type KernelPolicy, type Process } from '../../kernel/index.js';
import { MmSystem, PhysicalMemory, type MmStruct } from '../../mm/index.js';
import { NotifierHub } from '../../../notifiers/index.js';
import type { ObservedDevice, PluggedIn } from '../../../devices/contract/index.js';
import { Nic, PacketPool } from '../../../devices/nic/index.js';
import type { Stage } from '../explore/index.js';
import { Rules } from '../rules/rules.js';
import { BusMaster } from './bus-master.js';
import type { DeviceUnderTest } from './device-under-test.js';
import { DriverCode } from './driver-code.js';
import { KernelState } from './kernel-state.js';
import { RulesState } from './rules-state.js';
import { SvmUser } from './svm-user.js';
import { UNTIMED } from './untimed.js';

/** Address of page 0 of scenarios. */
const BASE = 2 ** 30;

/** Told of each device that is put on a machine, before anything happens. */
export type DeviceWatch = (system: MmSystem, device: ObservedDevice) => void;

export interface SmallMachineOptions {
  /** Frames of memory; default 32. */
  readonly frames?: number;
  readonly policy?: KernelPolicy;
  /** False for a device that pins: no rule binds it. Default true. */
  readonly underRules?: boolean;
  /** Somebody else who watches; what it remembers must not decide anything. */
  readonly watch?: DeviceWatch;
}

/**
 * A machine for scenarios that explore a driver: the kernel, a process and its devices, all as everywhere else, but small,
 * without a container, and with nothing that takes time. The rules watch it.
 */
export class SmallMachine {
  readonly kernel: KernelCore;
  readonly process: Process;
  readonly rules: Rules;

  private readonly state: KernelState;
  private readonly rulesState: RulesState;
  private readonly drivers: DriverCode;
  private readonly pool = new PacketPool();
  private readonly underRules: boolean;
  private readonly watch: DeviceWatch | undefined;

  constructor(
    private readonly stage: Stage,
    options: SmallMachineOptions = {},
  ) {
    this.underRules = options.underRules ?? true;
    this.watch = options.watch;
    this.kernel = smallKernel(stage, options.frames ?? 32, options.policy ?? P1);
    this.state = new KernelState(stage, this.kernel);
    this.rulesState = new RulesState(stage, this.kernel.mm);
    this.rules = new Rules(this.kernel.mm);
    this.drivers = new DriverCode(stage, this.kernel);
    this.watchAddressSpaces();
    this.process = this.kernel.createProcess('app');
  }

  /** Address of a page. */
  address(page: number): number {
    return BASE + page * PAGE_SIZE;
  }

  /** Puts a device of a plugin on the machine. */
  plugIn({ kind, create }: PluggedIn, name: string): DeviceUnderTest {
    const { stage, kernel } = this;
    const part = stage.state();
    if (kind === 'svm-device') {
      return this.watched(
        new SvmUser(
          stage,
          stage.within(part, () => create(name, kernel)),
          part,
        ),
      );
    }
    const nic = new Nic(stage.simulation, kernel.mm.memory, this.pool, name, UNTIMED);
    const driver = stage.within(part, () => create(nic, kernel));
    return this.watched(new BusMaster(stage, nic, this.drivers.driver(driver, part)));
  }

  /** Maps private anonymous memory from page 0 on; every page of it is written unless told otherwise. */
  mapAnon(pages: number, options: { readonly written?: boolean } = {}): void {
    const [address, length] = [this.address(0), pages * PAGE_SIZE];
    this.before('mmap', this.kernel.mmap(this.process, { address, length, prot: 'rw', share: 'private' }));
    if (options.written !== false) for (let page = 0; page < pages; page++) this.write(page);
  }

  /** The CPU writes to a page. */
  write(page: number): void {
    this.before('store', this.kernel.store(this.process, this.address(page), 1));
  }

  /** The CPU reads a page. */
  read(page: number): void {
    this.before('load', this.kernel.load(this.process, this.address(page), new Uint8Array(1)));
  }

  /** Maps a file of ext4 from page 0 on, shared; no page of it has been touched. */
  mapFile(pages: number): Inode {
    const { kernel, process } = this;
    const inode = kernel.fs.createFile('file', pages * PAGE_SIZE, 'written');
    const file = { inode, offset: 0 };
    const options = { address: this.address(0), length: pages * PAGE_SIZE, prot: 'rw', share: 'shared', file } as const;
    this.before('mmap', kernel.mmap(process, options));
    return inode;
  }

  /** Runs something to its end before the search begins. */
  before<T>(name: string, task: Task<T>): T {
    return this.stage.setUp(name, task);
  }

  /** A task that makes system calls. All that it does belongs to the kernel. */
  systemCall(name: string, task: Task<unknown>): void {
    this.stage.within(this.state.part, () => this.stage.task(name, task));
  }

  /** A task of a device. */
  device(name: string, task: Task): void {
    this.stage.task(name, task);
  }

  /** What must hold when everything has ended. */
  finish(): void {
    if (this.underRules) this.rules.finish();
  }

  /** A device may open any of them: those that are made later, by fork too. */
  private watchAddressSpaces(): void {
    const { mm: system } = this.kernel;
    const newMm = system.newMm.bind(system);
    const watchedMm = (name: string): MmStruct => {
      const mm = newMm(name);
      this.state.watch(mm);
      this.drivers.adoptSubscriptions(mm);
      return mm;
    };
    system.newMm = watchedMm;
  }

  private watched<T extends DeviceUnderTest>(device: T): T {
    if (this.underRules) {
      this.watch?.(this.kernel.mm, device.observed);
      this.rules.watch(this.rulesState.observed(device.observed));
    }
    return device;
  }
}

function smallKernel({ simulation }: Stage, frames: number, policy: KernelPolicy): KernelCore {
  const hub = new NotifierHub(simulation);
  const memory = new PhysicalMemory(simulation, frames, false);
  const free = { minorFault: 0, pageMkwrite: 0, pteFlush: 0 };
  const system = new MmSystem(simulation, hub, memory, free, policy);
  const contents = (): PageContents => new PageContents(false);
  const disk = new BlockDevice(simulation, 'disk', NVME, contents, simulation.random.split('disk'));
  const flusher = new Flusher(simulation, LINUX_WRITEBACK_TIMERS);
  return new KernelCore(simulation, hub, system, new Ext4(system, disk), flusher, policy);
}
