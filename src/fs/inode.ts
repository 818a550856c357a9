import { RwLock, type Task } from '../engine/index.js';
import type { AddressSpace, MappedFile, VmOperations } from '../mm/index.js';
import type { BlockMap } from './block-map.js';
import type { FileSystem } from './file-system.js';
import { ReadaheadState } from './readahead.js';
import { fallocate } from './fallocate.js';

/** A file: Linux's struct inode with its address space. */
export class Inode implements MappedFile {
  readonly vmOps: VmOperations;
  /** i_rwsem: exclusive for write(2) and ftruncate(2). */
  readonly rwsem: RwLock;
  /** f_ra. Whoever opens the file shares it. */
  readonly readahead: ReadaheadState;
  /** Virtual time in ns at which the inode became dirty; null while it is clean. Background writeback goes by it. */
  dirtiedWhen: number | null = null;
  /** i_disksize: what the next commit says of the size. It follows the data onto the disk, never the other way round. */
  diskSize: number;
  /** i_size that a power loss would leave. */
  durableSize: number;
  /** Virtual time in ns, to a tick of the kernel's clock, at which the file was changed last; -1: before the run. */
  mtime = -1;
  /** i_sync_tid: the transaction that has the latest change of metadata, timestamps included. fsync commits it. */
  syncTid = 0;
  /** i_datasync_tid: the one without which data could not be found again. fdatasync commits it. */
  datasyncTid = 0;

  constructor(
    readonly fs: FileSystem,
    readonly ino: number,
    readonly name: string,
    readonly mapping: AddressSpace,
    readonly blocks: BlockMap,
  ) {
    this.vmOps = fs.vmOperations(this);
    this.readahead = new ReadaheadState(fs.readaheadPages);
    this.rwsem = new RwLock(fs.system.simulation, `i_rwsem of ${name}`);
    this.diskSize = mapping.size;
    this.durableSize = mapping.size;
  }

  get mmapFlags(): number {
    return this.fs.mmapFlags;
  }

  get isDax(): boolean {
    return this.fs.isDax;
  }

  willNeed(first: number, end: number): Task {
    return this.fs.willNeed(this, first, end);
  }

  /** i_size in bytes. */
  get size(): number {
    return this.mapping.size;
  }

  *punchHole(offset: number, length: number): Task {
    yield* fallocate(this, 'punch', offset, length);
  }
}
