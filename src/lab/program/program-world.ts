import { PAGE_SIZE, ReferencedContents, WriteSources } from '../../base/index.js';
import { SEC, Simulation, type Task } from '../../engine/index.js';
import {
  BlockDevice,
  Ext4,
  RECORDED,
  fsync,
  invalidateMappingPages,
  writeToPageCache,
  type FileSystem,
  type Inode,
} from '../../fs/index.js';
import { P1 } from '../../kernel/index.js';
import { MmSystem, PhysicalMemory, type MmStruct } from '../../mm/index.js';
import type { PluggedIn } from '../../../devices/contract/index.js';
import { NotifierHub } from '../../../notifiers/index.js';
import { Areas, type Area } from './areas.js';
import { MEMORY_BYTES } from './buffer.js';
import { kernelOf } from './device/kernel-of.js';
import { NicProgramDevice } from './device/nic-program-device.js';
import { RxeProgramDevice } from './device/rxe-program-device.js';
import { SvmProgramDevice } from './device/svm-program-device.js';
import type { ProgramDevice, ProgramMr } from './device/program-device.js';
import { FILE_SYSTEMS } from './file-systems.js';
import type { MapKind } from './op-table.js';
import { NotModelled } from './program-error.js';
import { Recorder } from './recorder.js';
import { UffdHandlers } from './uffd-handlers.js';

/** Frames of memory, in two NUMA nodes. */
const FRAMES = MEMORY_BYTES / PAGE_SIZE;

/** Size of the scratch file. */
const SCRATCH_BYTES = 1 << 20;

/** A file of the program. */
export interface ProgramFile {
  readonly name: string;
  readonly kind: MapKind;
  readonly inode: Inode;
}

/** A registered region by the name that the program gave it; null if its registration failed. */
export interface NamedMr {
  readonly area: Area;
  readonly mr: ProgramMr | null;
}

/** The machine on which one program runs, and what the program has named so far. */
export class ProgramWorld {
  readonly simulation: Simulation;
  readonly system: MmSystem;
  readonly device: ProgramDevice;
  readonly areas = new Areas();
  readonly recorder: Recorder;
  /** The address space of the main process. */
  readonly mm: MmStruct;
  /** Forked children that are alive. */
  readonly children = new Map<string, MmStruct>();
  readonly files = new Map<string, ProgramFile>();
  /** The file behind each area that was mapped from one. */
  readonly fileOfArea = new Map<string, ProgramFile>();
  readonly mrs = new Map<string, NamedMr>();
  readonly userfaultfds: UffdHandlers;
  /** lruBatches.drains when pages of the main process's own, its stack for one, were last copied after a fork. */
  ownCopies = 0;
  /** Signal that the main process died of. */
  exitSignal: number | null = null;

  /** All that was written, on disks and in memory. */
  private readonly writes = new WriteSources();
  private scratch: Inode | null = null;
  private readonly mounted = new Map<MapKind, FileSystem>();

  /** @param tried a driver to try, on a NIC, or a device that brings one along; absent: the software NIC of the recordings */
  constructor(tried?: PluggedIn) {
    // What a driver makes the kernel wait for is over long before that, or never is.
    this.simulation = new Simulation(tried === undefined ? {} : { hungTaskNs: 5 * SEC });
    const hub = new NotifierHub(this.simulation);
    const memory = new PhysicalMemory(this.simulation, FRAMES, new ReferencedContents(this.writes), 2);
    const free = { minorFault: 0, pageMkwrite: 0, pteFlush: 0 };
    this.system = new MmSystem(this.simulation, hub, memory, free, P1);
    this.mm = this.system.newMm('the main process');
    this.recorder = new Recorder(this.simulation, this.areas, this.mm.id);
    this.simulation.trace.attach(this.recorder);
    this.device = this.newDevice(tried);
    if (tried !== undefined) {
      this.recorder.driver = this.device.observed.driverName;
      this.recorder.subscribed = true;
    }
    this.userfaultfds = new UffdHandlers(this.simulation, this.areas);
  }

  /** The file system for mappings of a kind, mounted at its first use. @throws NotModelled */
  fileSystem(kind: MapKind): FileSystem {
    let fs = this.mounted.get(kind);
    if (fs === undefined) {
      const mount = FILE_SYSTEMS[kind];
      if (mount === undefined) throw new NotModelled(`files of kind ${kind} are not modelled`);
      fs = mount(this.system, this.newDisk(kind));
      this.mounted.set(kind, fs);
    }
    return fs;
  }

  /** The file systems that have been mounted. */
  get fileSystems(): Iterable<FileSystem> {
    return this.mounted.values();
  }

  /** The file that direct I/O of mappings goes to and comes from: on a file system of its own, full of bytes 0x99. */
  *scratchFile(): Task<Inode> {
    if (this.scratch === null) {
      this.scratch = new Ext4(this.system, this.newDisk('scratch')).createFile('scratch', 0, 'hole');
      yield* writeToPageCache(this.scratch, 0, SCRATCH_BYTES, new Uint8Array(SCRATCH_BYTES).fill(0x99));
      yield* fsync(this.scratch);
      invalidateMappingPages(this.scratch, { first: 0, end: Infinity });
    }
    return this.scratch;
  }

  /** The address space of a process: the main one's if there is no name. @throws Error for a process that is none */
  mmOf(proc: string | undefined): MmStruct {
    if (proc === undefined) return this.mm;
    const mm = this.children.get(proc);
    if (mm === undefined) throw new Error(`there is no process "${proc}" with an address space`);
    return mm;
  }

  /** File X, or else the file behind area X. @throws Error if there is neither */
  file(name: string): ProgramFile {
    const file = this.files.get(name) ?? this.fileOfArea.get(name);
    if (file === undefined) throw new Error(`there is no file "${name}" and no file behind an area of that name`);
    return file;
  }

  private newDevice(tried: PluggedIn | undefined): ProgramDevice {
    if (tried === undefined) return new RxeProgramDevice();
    const kernel = kernelOf(this.simulation, this.system, this.newDisk('root'));
    return tried.kind === 'nic-driver'
      ? new NicProgramDevice(kernel, tried.create)
      : new SvmProgramDevice(tried.create('device', kernel));
  }

  private newDisk(name: string): BlockDevice {
    const contents = (): ReferencedContents => new ReferencedContents(this.writes);
    return new BlockDevice(this.simulation, `disk of ${name}`, RECORDED, contents, this.simulation.random.split(name));
  }
}
