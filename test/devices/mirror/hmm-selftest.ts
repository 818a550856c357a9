import { HPAGE_SIZE, PAGE_SIZE } from '../../../src/base/index.js';
import type { Task } from '../../../src/engine/index.js';
import { Ext4, Hugetlbfs, Shmem, type FileSystem, type Inode } from '../../../src/fs/index.js';
import { Process, type WorldOptions } from '../../../src/kernel/index.js';
import { VM_READ, VM_SHARED, VM_WRITE, forkMm, mmap, mprotect, type MmStruct } from '../../../src/mm/index.js';
import { MirrorDevice, type Mirror } from '../../../devices/mirror/index.js';
import { BASE, Machine } from '../../support/machine.js';

export const NONE = 0;
export const READ = VM_READ;
export const WRITE = VM_READ | VM_WRITE;
export const SHARED = VM_SHARED;

const MEMORY = 64 * 2 ** 20;

/**
 * The fixture of Linux's hmm-tests.c: a process, and a device that mirrors it, watched by the rules. What fork makes has a
 * mirror of its own.
 */
export class HmmSelftest extends Machine {
  readonly hmm = new MirrorDevice('hmm_dmirror0');
  readonly mirror: Mirror;

  constructor(options: WorldOptions = {}) {
    super({ memory: MEMORY, ...options });
    this.rules?.watch(this.hmm);
    this.mirror = this.hmm.open(this.mm);
  }

  /** mmap at BASE. @param flags READ or WRITE, and SHARED */
  map(pages: number, flags: number, file?: Inode): void {
    const length = pages * PAGE_SIZE;
    const of = file === undefined ? {} : { file: { file, pgoff: 0 } };
    this.run(mmap(this.mm, { address: BASE, length, flags, ...of }));
  }

  /** A second device on the same process. */
  second(): Mirror {
    const device = new MirrorDevice('hmm_dmirror1');
    this.rules?.watch(device);
    return device.open(this.mm);
  }

  /** A file of shared anonymous memory. */
  shmem(pages: number): Inode {
    return this.mount(Shmem).createFile('shmem', pages * PAGE_SIZE, 'hole');
  }

  hugetlb(bytes = HPAGE_SIZE): Inode {
    return this.mount(Hugetlbfs).createFile('hugetlb', bytes, 'hole');
  }

  ext4(pages: number): Inode {
    return this.mount(Ext4).createFile('hmm-test', pages * PAGE_SIZE, 'written');
  }

  protect(pages: number, flags: number, page = 0): void {
    this.run(mprotect(this.mm, BASE + page * PAGE_SIZE, pages * PAGE_SIZE, flags));
  }

  /** fork: the child, and its mirror. */
  fork(): { readonly child: Process; readonly mirror: Mirror } {
    const mm: MmStruct = this.run(forkMm(this.mm, 'child'));
    return { child: new Process(2, 'child', mm), mirror: this.hmm.open(mm) };
  }

  /** The CPU writes i to the i-th word of each page... of one byte a page, that is. */
  fill(pages: number, value: (page: number) => number, process = this.process): void {
    for (let page = 0; page < pages; page++) this.run(this.storing(page, value(page), process));
  }

  /** What the CPU finds at the beginning of each page. */
  seen(pages: number, process = this.process): (number | string | null)[] {
    return Array.from({ length: pages }, (_, page) => this.run(this.loading(page, process)));
  }

  /** HMM_DMIRROR_READ of whole pages: the first byte of each, and how often the device faulted. */
  deviceRead(pages: number, mirror = this.mirror): { readonly bytes: number[]; readonly faults: number } {
    const target = new Uint8Array(pages * PAGE_SIZE);
    const { faults } = this.run(mirror.read(BASE, target));
    return { bytes: firsts(target), faults };
  }

  /** HMM_DMIRROR_WRITE of whole pages that begin with a byte each. Returns how often the device faulted. */
  deviceWrite(pages: number, value: (page: number) => number, mirror = this.mirror): number {
    return this.run(this.writing(pages, value, mirror));
  }

  *writing(pages: number, value: (page: number) => number, mirror = this.mirror): Task<number> {
    const data = new Uint8Array(pages * PAGE_SIZE);
    for (let page = 0; page < pages; page++) data[page * PAGE_SIZE] = value(page);
    return (yield* mirror.write(BASE, data)).faults;
  }

  snapshot(pages: number): number[] {
    return [...this.run(this.mirror.snapshot(BASE, pages))];
  }

  private mount<T extends FileSystem>(Kind: new (...args: ConstructorParameters<typeof Ext4>) => T): T {
    return new Kind(this.kernel.mm, this.kernel.fs.device);
  }
}

/** The first byte of every page. */
function firsts(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length / PAGE_SIZE }, (_, page) => bytes[page * PAGE_SIZE]);
}

/** 0, 1, 2, … */
export function counting(pages: number): number[] {
  return Array.from({ length: pages }, (_, page) => page);
}
