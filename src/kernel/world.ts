import { Container, ContainerModule } from 'inversify';
import { PageContents } from '../base/index.js';
import { Simulation, US, type SchedulePolicy } from '../engine/index.js';
import {
  BlockDevice,
  Btrfs,
  Ext4,
  FileSystem,
  Flusher,
  LINUX_WRITEBACK_TIMERS,
  NVME,
  Xfs,
  type DiskProfile,
  type WritebackTimers,
} from '../fs/index.js';
import { MmSystem, PhysicalMemory, type MmCosts } from '../mm/index.js';
import { NotifierHub } from '../../notifiers/index.js';
import { KernelCore } from './kernel-core.js';
import { P1, type KernelPolicy as Policy } from './policy.js';
import { KernelCosts, KernelPolicy } from './tokens.js';

/** File-system models by name. */
export const FILE_SYSTEMS = {
  ext4: Ext4,
  btrfs: Btrfs,
  xfs: Xfs,
} as const;

/** Name of a file-system model. */
export type FileSystemKind = keyof typeof FILE_SYSTEMS;

/** A minor fault of 0.5 to 2.2 us, and what writenotify adds to it; see docs/model.md for the sources. */
export const DEFAULT_COSTS: MmCosts = { minorFault: 1 * US, pageMkwrite: 1 * US, pteFlush: 200 };

/** What a machine is like; whatever is left out has a default. */
export interface WorldOptions {
  /** Seed of every random decision; default 1. */
  readonly seed?: number;
  /** Which ready task goes next; default first in, first out. */
  readonly schedule?: SchedulePolicy;
  /** Virtual ns after which tasks that all wait count as hung; default 120 s, as Linux's hung_task_timeout_secs. */
  readonly hungTaskNs?: number;
  /** Memory of the machine in bytes, up to 256 GiB; default 16 GiB. */
  readonly memory?: number;
  /** False keeps of each byte only which write it comes from; default true. */
  readonly bytes?: boolean;
  readonly policy?: Policy;
  readonly costs?: MmCosts;
  readonly fileSystem?: FileSystemKind;
  readonly disk?: DiskProfile;
  readonly writeback?: WritebackTimers;
  /** Drivers and whatever else plugs in. */
  readonly modules?: readonly ContainerModule[];
}

/** One simulated machine. */
export interface World {
  readonly simulation: Simulation;
  readonly kernel: KernelCore;
  readonly container: Container;
}

/** Virtual time. */
export function engineModule(options: WorldOptions): ContainerModule {
  return new ContainerModule(({ bind }) => {
    bind(Simulation).toDynamicValue(
      () =>
        new Simulation({
          ...(options.seed === undefined ? {} : { seed: options.seed }),
          ...(options.schedule === undefined ? {} : { policy: options.schedule }),
          ...(options.hungTaskNs === undefined ? {} : { hungTaskNs: options.hungTaskNs }),
        }),
    );
  });
}

/** Memory and notifiers. */
export function memoryModule(options: WorldOptions): ContainerModule {
  const frames = Math.floor((options.memory ?? 16 * 2 ** 30) / 4096);
  return new ContainerModule(({ bind }) => {
    bind(NotifierHub).toDynamicValue((context) => new NotifierHub(context.get(Simulation)));
    bind(PhysicalMemory).toDynamicValue(
      (context) => new PhysicalMemory(context.get(Simulation), frames, options.bytes ?? true),
    );
    bind(MmSystem).toDynamicValue(
      (context) =>
        new MmSystem(
          context.get(Simulation),
          context.get(NotifierHub),
          context.get(PhysicalMemory),
          context.get<KernelCosts>(KernelCosts),
          context.get<KernelPolicy>(KernelPolicy),
        ),
    );
  });
}

/** The disk, the file system on it, and background writeback. */
export function fileModule(options: WorldOptions): ContainerModule {
  return new ContainerModule(({ bind }) => {
    bind(BlockDevice).toDynamicValue((context) => {
      const simulation = context.get(Simulation);
      const random = simulation.random.split('disk');
      const bytes = options.bytes ?? true;
      return new BlockDevice(simulation, 'nvme0n1', options.disk ?? NVME, () => new PageContents(bytes), random);
    });
    bind(FileSystem).toDynamicValue(
      (context) => new FILE_SYSTEMS[options.fileSystem ?? 'ext4'](context.get(MmSystem), context.get(BlockDevice)),
    );
    bind(Flusher).toDynamicValue(
      (context) => new Flusher(context.get(Simulation), options.writeback ?? LINUX_WRITEBACK_TIMERS),
    );
  });
}

/** System calls and policies. */
export function kernelModule(options: WorldOptions): ContainerModule {
  return new ContainerModule(({ bind }) => {
    bind<KernelPolicy>(KernelPolicy).toConstantValue(options.policy ?? P1);
    bind<KernelCosts>(KernelCosts).toConstantValue(options.costs ?? DEFAULT_COSTS);
    bind(KernelCore).toSelf();
  });
}

/**
 * Builds one simulated machine. This is the only place where a container is made: it costs more than a short run, so
 * nothing inside a run resolves anything.
 */
export function createWorld(options: WorldOptions = {}): World {
  const container = new Container({ defaultScope: 'Singleton' });
  container.load(
    engineModule(options),
    memoryModule(options),
    fileModule(options),
    kernelModule(options),
    ...(options.modules ?? []),
  );
  return { simulation: container.get(Simulation), kernel: container.get(KernelCore), container };
}
