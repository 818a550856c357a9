import { inject, injectable } from 'inversify';
import type { Observable } from 'rxjs';
import { Errno, PAGE_SIZE, hex } from '../base/index.js';
import { HotStream, Simulation, type Task } from '../engine/index.js';
import {
  FileSystem,
  Flusher,
  fsync,
  msync,
  readFromPageCache,
  truncate,
  writeToPageCache,
  type FsComplaint,
  type FsyncCost,
  type Inode,
  type WriteData,
} from '../fs/index.js';
import {
  MmSystem,
  Reclaim,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  exitMmap,
  madviseDontneed,
  mmap,
  munmap,
  oomReapTask,
  oomReapTaskMm,
  userLoad,
  userStore,
  type AccessResult,
  type MmFault,
  type MmStruct,
  type Vma,
} from '../mm/index.js';
import { NotifierHub, type InvalidateRange } from '../../notifiers/index.js';
import { Process } from './process.js';
import { KernelPolicy } from './tokens.js';

/** Where and how to map. */
export interface MmapOptions {
  /** Address, page-aligned, as with MAP_FIXED; if absent the kernel chooses. The mapping's `start` says where it is. */
  readonly address?: number;
  /** Bytes, rounded up to pages. */
  readonly length: number;
  readonly prot: 'r' | 'rw';
  readonly share: 'shared' | 'private';
  /** The file and the byte of it at `address`, page-aligned; absent for anonymous memory. */
  readonly file?: { readonly inode: Inode; readonly offset: number };
}

/** How an access by the CPU ended: null, or the signal that the process gets. */
export type Signal = Exclude<AccessResult, 'OOM'>;

/**
 * The kernel as its users see it: processes, files, system calls, and the streams of what happens inside.
 *
 * System calls are tasks: run them with `yield*` from a task of your own. They throw an Errno where Linux returns one.
 */
@injectable()
export class KernelCore {
  /**
   * Starts of invalidations, of all address spaces. A subscriber may hold a range: the kernel then waits before it
   * changes the page tables.
   */
  readonly invalidations$: Observable<InvalidateRange>;
  /** Their ends. */
  readonly invalidationEnds$: Observable<InvalidateRange>;
  /** Page faults, of CPUs and on behalf of devices. */
  readonly faults$: Observable<MmFault>;
  /** Clean file pages that became writable. */
  readonly mkwrites$: Observable<{ readonly mm: MmStruct; readonly address: number }>;
  /** What the file system found wrong. */
  readonly complaints$: Observable<FsComplaint>;
  /** Every fsync and fdatasync, when it has returned; and every msync, for each file that it synced. */
  readonly fsyncs$ = new HotStream<FsyncCost & { readonly inode: Inode }>();

  readonly reclaim: Reclaim;

  private lastPid = 0;

  constructor(
    @inject(Simulation) readonly simulation: Simulation,
    @inject(NotifierHub) readonly hub: NotifierHub,
    @inject(MmSystem) readonly mm: MmSystem,
    @inject(FileSystem) readonly fs: FileSystem,
    @inject(Flusher) readonly flusher: Flusher,
    @inject(KernelPolicy) readonly policy: KernelPolicy,
  ) {
    this.invalidations$ = hub.start$;
    this.invalidationEnds$ = hub.end$;
    this.faults$ = mm.faults$;
    this.mkwrites$ = mm.mkwrites$;
    this.complaints$ = fs.complaints$;
    this.reclaim = new Reclaim(mm, policy, flusher);
    mm.reclaimer = this.reclaim.makeRoom.bind(this.reclaim);
    flusher.serve(fs);
  }

  /** A new process with an empty address space. */
  createProcess(name: string): Process {
    const pid = ++this.lastPid;
    return new Process(pid, name, this.mm.newMm(`mm of ${name}`));
  }

  /** exit(2): drivers are told that the address space goes away; then everything is unmapped. */
  *exit(process: Process): Task {
    yield* exitMmap(process.mm);
  }

  /**
   * process_mrelease(2), of a process that is dying: takes its private memory at once, as far as drivers let go without
   * waiting for their devices.
   *
   * @throws Errno EAGAIN if one would not
   */
  *processMrelease({ mm, name }: Process): Task {
    yield mm.mmapLock.shared;
    const complete = mm.oomSkip || (yield* oomReapTaskMm(mm));
    mm.mmapLock.releaseShared();
    if (!complete) throw new Errno('EAGAIN', `process_mrelease of ${name}: a driver would have to wait for its device`);
  }

  /** The OOM reaper, of its victim: as process_mrelease, ten times within a second. @returns whether it got everything */
  *oomReap({ mm }: Process): Task<boolean> {
    return yield* oomReapTask(mm);
  }

  /** mmap(2). @throws Errno EINVAL, ENOMEM */
  *mmap(process: Process, options: MmapOptions): Task<Vma> {
    const flags = VM_READ | (options.prot === 'rw' ? VM_WRITE : 0) | (options.share === 'shared' ? VM_SHARED : 0);
    const { address, length, file } = options;
    const at = address === undefined ? {} : { address };
    if (file === undefined) {
      if (options.share === 'shared') throw new Errno('EINVAL', 'shared anonymous memory: map a file instead');
      return yield* mmap(process.mm, { ...at, length, flags });
    }
    if (file.offset % PAGE_SIZE !== 0) throw new Errno('EINVAL', `mmap of byte ${String(file.offset)} of a file`);
    return yield* mmap(process.mm, {
      ...at,
      length,
      flags,
      file: { file: file.inode, pgoff: file.offset / PAGE_SIZE },
    });
  }

  /** munmap(2). @throws Errno EINVAL */
  *munmap(process: Process, address: number, length: number): Task {
    yield* munmap(process.mm, address, length);
  }

  /** madvise(MADV_DONTNEED): one CLEAR per mapping, even where nothing is populated. @throws Errno EINVAL, ENOMEM */
  *madviseDontneed(process: Process, address: number, length: number): Task {
    yield* madviseDontneed(process.mm, address, length);
  }

  /** A store by the process: `length` bytes at `address`, faulting as it must. @throws Errno ENOMEM */
  *store(process: Process, address: number, length: number, data: WriteData = null): Task<Signal> {
    return ended(yield* userStore(process.mm, address, length, data), process, address);
  }

  /** A load by the process into `target`. @throws Errno ENOMEM */
  *load(process: Process, address: number, target: Uint8Array): Task<Signal> {
    return ended(yield* userLoad(process.mm, address, target), process, address);
  }

  /** Buffered write(2) at an offset. @returns bytes written @throws Errno EINVAL, EFAULT, EFBIG, EIO */
  *pwrite(inode: Inode, offset: number, length: number, data: WriteData = null): Task<number> {
    return yield* writeToPageCache(inode, offset, length, data);
  }

  /** Buffered read(2) at an offset. @returns bytes read @throws Errno EINVAL, EIO */
  *pread(inode: Inode, offset: number, target: Uint8Array): Task<number> {
    return yield* readFromPageCache(inode, offset, target);
  }

  /** ftruncate(2). @throws Errno EINVAL, EFBIG, EIO */
  *ftruncate(inode: Inode, size: number): Task {
    if (!(size >= 0)) throw new Errno('EINVAL', `ftruncate of ${inode.name} to ${String(size)} bytes`);
    yield* truncate(inode, size);
  }

  /** fsync(2): when it returns, everything that was dirty when it was called is on the disk. */
  *fsync(inode: Inode): Task<FsyncCost> {
    return yield* this.sync(inode, false);
  }

  /** fdatasync(2): as fsync, but timestamps that changed need not be on the disk. */
  *fdatasync(inode: Inode): Task<FsyncCost> {
    return yield* this.sync(inode, true);
  }

  /**
   * msync(2) with MS_SYNC: syncs what each shared file mapping shows in the range; what lies behind a hole too.
   * @throws Errno EINVAL for an unaligned address; ENOMEM if part of the range is not mapped
   */
  *msync(process: Process, address: number, length: number): Task {
    yield* msync(process.mm, address, length, 'sync', (inode, cost) => {
      this.fsyncs$.emit({ ...cost, inode });
    });
  }

  private *sync(inode: Inode, datasync: boolean): Task<FsyncCost> {
    const cost = yield* fsync(inode, undefined, datasync);
    this.fsyncs$.emit({ ...cost, inode });
    return cost;
  }
}

/** @throws Errno ENOMEM: nobody is killed for memory here */
function ended(result: AccessResult, { name }: Process, address: number): Signal {
  if (result === 'OOM') throw new Errno('ENOMEM', `access of ${name} at ${hex(address)}: out of memory`);
  return result;
}
