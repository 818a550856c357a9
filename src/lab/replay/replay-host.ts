import { PAGE_SIZE, hex } from '../../base/index.js';
import type { Task } from '../../engine/index.js';
import type { Inode } from '../../fs/index.js';
import type { KernelCore, Process } from '../../kernel/index.js';
import {
  IBV_ACCESS_FLUSH_GLOBAL,
  IBV_ACCESS_FLUSH_PERSISTENT,
  IBV_ACCESS_LOCAL_WRITE,
  IBV_ACCESS_REMOTE_ATOMIC,
  IBV_ACCESS_REMOTE_READ,
  IBV_ACCESS_REMOTE_WRITE,
  type DeviceDriver,
  type MemoryRegion,
} from '../../../devices/contract/index.js';
import type { Nic } from '../../../devices/nic/index.js';
import { DriverError, blaming } from '../../../notifiers/index.js';
import { KeyRegistry, type KeyRegistrar } from './key-registry.js';
import type { HostLayout, KeyLife } from './memory-layout.js';
import type { Segment } from './place-segments.js';

const FLUSH = IBV_ACCESS_FLUSH_GLOBAL | IBV_ACCESS_FLUSH_PERSISTENT;
const READ_ONLY = IBV_ACCESS_REMOTE_READ | FLUSH;
const READ_WRITE = READ_ONLY | IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_ATOMIC;

/** One host of the capture in the emulator: a NIC and, if others reach its memory, a process that maps a file. */
export class ReplayHost implements KeyRegistrar {
  readonly process: Process;
  readonly inode: Inode | null;
  readonly registry: KeyRegistry;
  /** Regions as they are registered, for whoever watches accesses. */
  onRegion: (region: MemoryRegion) => void = () => undefined;

  private readonly segments: readonly Segment[];
  private lastSegment: Segment | null = null;

  constructor(
    private readonly kernel: KernelCore,
    readonly name: string,
    readonly nic: Nic,
    readonly driver: DeviceDriver,
    readonly layout: HostLayout | null,
    content: 'written' | 'hole',
  ) {
    this.process = kernel.createProcess(name);
    this.segments = [...(layout?.segments ?? [])].sort((a, b) => a.address - b.address);
    const size = layout?.fileSize ?? 0;
    this.inode = size === 0 ? null : kernel.fs.createFile(`${name}.dat`, size, content);
    this.registry = new KeyRegistry(kernel.simulation, this, layout?.lives ?? []);
  }

  /** Maps the file. */
  *start(): Task {
    const { inode } = this;
    if (inode === null) return;
    for (const { address, pages, filePage } of this.segments) {
      yield* this.kernel.mmap(this.process, {
        address,
        length: pages * PAGE_SIZE,
        prot: 'rw',
        share: 'shared',
        file: { inode, offset: filePage * PAGE_SIZE },
      });
    }
  }

  *register(life: KeyLife): Task<MemoryRegion> {
    const { address: start, length, rKey } = life;
    const access = life.writable ? READ_WRITE : READ_ONLY;
    const region = yield* blaming(
      this.driver.name,
      'regMr',
      rangeName(start, length),
      this.driver.regMr({ mm: this.process.mm, start, length, access, rkey: rKey }),
    );
    // Plugins may be JavaScript: their types are promises.
    if ((region as MemoryRegion | undefined)?.mkey === undefined) {
      throw new DriverError(this.driver.name, 'regMr', rangeName(start, length), new Error('it returned no region'));
    }
    this.onRegion(region);
    return region;
  }

  *deregister(region: MemoryRegion): Task {
    yield* blaming(this.driver.name, 'deregMr', rangeName(region.start, region.length), this.driver.deregMr(region));
  }

  /** Page of the file that an address of the process shows; -1 if none. */
  filePage(address: number): number {
    let segment = this.lastSegment;
    if (segment === null || !contains(segment, address)) {
      segment = this.find(address);
      if (segment === null) return -1;
      this.lastSegment = segment;
    }
    return segment.filePage + Math.floor((address - segment.address) / PAGE_SIZE);
  }

  private find(address: number): Segment | null {
    let low = 0;
    let high = this.segments.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.segments[middle].address <= address) low = middle;
      else high = middle - 1;
    }
    const segment = this.segments.at(low);
    return segment !== undefined && contains(segment, address) ? segment : null;
  }
}

function contains({ address, pages }: Segment, at: number): boolean {
  return at >= address && at < address + pages * PAGE_SIZE;
}

function rangeName(start: number, length: number): string {
  return `[${hex(start)}, ${hex(start + length)})`;
}
