import { PAGE_SIZE, isErrno, type ErrnoCode } from '../../src/base/index.js';
import { Rules } from '../../src/check/index.js';
import type { Simulation, Task } from '../../src/engine/index.js';
import type { FsyncCost, Inode } from '../../src/fs/index.js';
import { createWorld, type KernelCore, type Process, type Signal, type WorldOptions } from '../../src/kernel/index.js';
import {
  ADVICES,
  PG_UPTODATE,
  addToPageCache,
  madvise,
  type MmStruct,
  type PhysicalMemory,
  type Vma,
} from '../../src/mm/index.js';
import { EventLog } from './event-log.js';

/** Page 0 of tests: on a border of 1 GiB, so that page numbers and page tables are easy to see together. */
export const BASE = 2 ** 40;

export interface MapOptions {
  /** Page of the address space, from BASE on; default 0. */
  readonly at?: number;
  /** Default: to the end of the file. */
  readonly pages?: number;
  readonly prot?: 'r' | 'rw';
  readonly share?: 'shared' | 'private';
  /** Page of the file; default 0. */
  readonly offset?: number;
}

/**
 * A small machine with one process, for tests that tell a story: calls run to their end, addresses are page numbers, and
 * `log` says what the kernel did. The rules watch. Costs are 0 unless given, so that only what takes part in the story takes time.
 */
export class Machine {
  readonly simulation: Simulation;
  readonly kernel: KernelCore;
  readonly memory: PhysicalMemory;
  readonly process: Process;
  readonly log: EventLog;
  readonly rules: Rules | null;

  /** @param options.rules false where a test does what no kernel does */
  constructor(options: WorldOptions & { readonly rules?: false } = {}) {
    const costs = { minorFault: 0, pageMkwrite: 0, pteFlush: 0 };
    const world = createWorld({ memory: 16 * 2 ** 20, costs, ...options });
    this.simulation = world.simulation;
    this.kernel = world.kernel;
    this.memory = world.kernel.mm.memory;
    this.process = world.kernel.createProcess('app');
    this.log = new EventLog(this.simulation, BASE);
    this.rules = options.rules === false ? null : new Rules(this.kernel.mm);
  }

  get mm(): MmStruct {
    return this.process.mm;
  }

  /** Runs a task, and whatever it needs of others, to its end. */
  run<T>(task: Task<T>): T {
    return this.simulation.runTask('test', task);
  }

  /** Lets `ns` of virtual time pass. */
  advance(ns: number): void {
    this.simulation.runUntil(this.simulation.now + ns);
  }

  /** Runs a task to its end and says which errno it threw, if any. */
  errno(task: Task<unknown>): ErrnoCode | null {
    function* guarded(): Task<ErrnoCode | null> {
      try {
        yield* task;
        return null;
      } catch (error) {
        if (isErrno(error)) return error.code;
        throw error;
      }
    }
    return this.run(guarded());
  }

  file(pages: number, content: 'written' | 'hole' = 'written'): Inode {
    return this.kernel.fs.createFile('file', pages * PAGE_SIZE, content);
  }

  /** Puts a folio of 16 pages into the cache of a file: a sparse file, so that the pages are valid as they are. */
  largeFolio(inode: Inode, page: number): number {
    const folio = this.memory.allocate(4);
    addToPageCache(this.kernel.mm, inode.mapping, folio, page);
    this.memory.frames.set(folio, PG_UPTODATE);
    this.memory.put(folio);
    return folio;
  }

  mapAnon(pages: number, { at = 0, prot = 'rw' }: MapOptions = {}): Vma {
    return this.run(
      this.kernel.mmap(this.process, { address: address(at), length: pages * PAGE_SIZE, prot, share: 'private' }),
    );
  }

  mapFile(inode: Inode, options: MapOptions = {}): Vma {
    return this.mapFileOf(this.process, inode, options);
  }

  mapFileOf(process: Process, inode: Inode, options: MapOptions = {}): Vma {
    const { at = 0, pages = inode.mapping.sizeInPages, prot = 'rw', share = 'shared', offset = 0 } = options;
    return this.run(
      this.kernel.mmap(process, {
        address: address(at),
        length: pages * PAGE_SIZE,
        prot,
        share,
        file: { inode, offset: offset * PAGE_SIZE },
      }),
    );
  }

  /** madvise(2) of pages, to its end. */
  madvise(advice: keyof typeof ADVICES, page: number, pages: number, mm = this.mm): ErrnoCode | null {
    return this.errno(madvise(mm, address(page), pages * PAGE_SIZE, ADVICES[advice]));
  }

  munmap(page: number, pages: number): void {
    this.run(this.kernel.munmap(this.process, address(page), pages * PAGE_SIZE));
  }

  /** Stores a byte at the start of a page. */
  store(page: number, value = 1): Signal {
    return this.run(this.storing(page, value));
  }

  /** Loads the byte at the start of a page, or says which signal the process got. */
  load(page: number): number | Signal {
    return this.run(this.loading(page));
  }

  *storing(page: number, value = 1, process = this.process): Task<Signal> {
    return yield* this.kernel.store(process, address(page), 1, Uint8Array.of(value));
  }

  *loading(page: number, process = this.process): Task<number | Signal> {
    const target = new Uint8Array(1);
    return (yield* this.kernel.load(process, address(page), target)) ?? target[0];
  }

  pwrite(inode: Inode, offset: number, bytes: ArrayLike<number>): number {
    const data = Uint8Array.from(bytes);
    return this.run(this.kernel.pwrite(inode, offset, data.length, data));
  }

  pread(inode: Inode, offset: number, length: number): number[] {
    const target = new Uint8Array(length);
    const read = this.run(this.kernel.pread(inode, offset, target));
    return [...target.subarray(0, read)];
  }

  fsync(inode: Inode): FsyncCost {
    return this.run(this.kernel.fsync(inode));
  }

  ftruncate(inode: Inode, size: number): void {
    this.run(this.kernel.ftruncate(inode, size));
  }

  /** Gives a page another entry, and says so as the kernel does. */
  changeEntry(page: number, pte: number): void {
    const range = this.mm.notifiers.invalidateRangeStart('CLEAR', address(page), address(page + 1));
    this.mm.pageTable.set(address(page) / PAGE_SIZE, pte);
    this.mm.notifiers.invalidateRangeEnd(range);
    this.log.take();
  }

  /** The entry of a page. */
  pte(page: number): number {
    return this.mm.pageTable.get(address(page) / PAGE_SIZE);
  }
}

/** The address of a page of tests. */
export function address(page: number): number {
  return BASE + page * PAGE_SIZE;
}
