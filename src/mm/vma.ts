import { PAGE_SIZE, hex, type TreeInterval } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace, VmOperations } from './address-space.js';
import type { AnonVma, AnonVmaLink } from './anon-vma.js';
import type { MmStruct } from './mm-struct.js';
import type { UserfaultfdCtx } from './userfaultfd-ctx.js';

/** The CPU may read it. */
export const VM_READ = 1 << 0;
/** The CPU may write it. */
export const VM_WRITE = 1 << 1;
/** The CPU may run it. */
export const VM_EXEC = 1 << 2;
/** Stores go to the file or the shared object, not to a private copy. */
export const VM_SHARED = 1 << 3;
/** MADV_SEQUENTIAL: read far ahead. */
export const VM_SEQ_READ = 1 << 4;
/** MADV_RANDOM: read nothing ahead. */
export const VM_RAND_READ = 1 << 5;
/** MADV_HUGEPAGE. */
export const VM_HUGEPAGE = 1 << 6;
/** MADV_NOHUGEPAGE: no huge entries. */
export const VM_NOHUGEPAGE = 1 << 7;

/** mlock: reclaim leaves its pages alone. */
export const VM_LOCKED = 1 << 8;
/** MADV_DONTFORK: a child does not get it. */
export const VM_DONTCOPY = 1 << 9;
/** MADV_WIPEONFORK: a child gets it empty. */
export const VM_WIPEONFORK = 1 << 10;
/** MADV_MERGEABLE: ksmd may look at it. */
export const VM_MERGEABLE = 1 << 11;
/** MADV_DONTDUMP. */
export const VM_DONTDUMP = 1 << 12;
/** A userfaultfd hears of missing pages. */
export const VM_UFFD_MISSING = 1 << 13;
/** A userfaultfd hears of writes to pages that are write-protected for it. */
export const VM_UFFD_WP = 1 << 14;
/** __VM_UFFD_FLAGS. */
export const VM_UFFD = VM_UFFD_MISSING | VM_UFFD_WP;
/** All of it counts as soft-dirty: it is new since soft-dirty bits were reset. */
export const VM_SOFTDIRTY = 1 << 15;
/** Huge pages of hugetlb. */
export const VM_HUGETLB = 1 << 16;
/** Counted against what may be promised: private and writable, now or once. */
export const VM_ACCOUNT = 1 << 17;
/** Guard pages were installed somewhere in it, and may still be there. */
export const VM_MAYBE_GUARD = 1 << 18;

/** Flags that keep no two mappings apart; what mappings become has them if one of them had. */
export const VM_STICKY = VM_SOFTDIRTY | VM_MAYBE_GUARD;
/** What a fork copies though it could be faulted in again: entries that say more than a file can. */
export const VM_COPY_ON_FORK = VM_UFFD_WP | VM_MAYBE_GUARD;

/** VM_ACCESS_FLAGS. */
export const VM_ACCESS = VM_READ | VM_WRITE | VM_EXEC;

/** A file or shared object behind a mapping. */
export interface MappedFile {
  readonly mapping: AddressSpace;
  readonly vmOps: VmOperations;
  /** VM_* flags that every mapping of the file has (f_op->mmap); default none. */
  readonly mmapFlags?: number;
  /** vma_is_dax: its pages are the device's own memory. */
  readonly isDax?: boolean;
  /** vfs_fadvise(POSIX_FADV_WILLNEED): reads pages [first, end) ahead. Absent: there is nothing to be read. */
  willNeed?(first: number, end: number): Task;
  /** vfs_fallocate(FALLOC_FL_PUNCH_HOLE), in bytes. Absent: it has no holes. @throws Errno EOPNOTSUPP and others */
  punchHole?(offset: number, length: number): Task;
}

/** One mapping of an mm: Linux's struct vm_area_struct. */
export class Vma {
  /** Anonymous pages of this mapping; made at the first one. */
  anonVma: AnonVma | null = null;
  /** All families whose pages may appear here: its own, and its ancestors'. */
  readonly anonVmaChain: AnonVmaLink[] = [];
  /** vm_policy: the NUMA node that pages must come from (MPOL_BIND); null for MPOL_DEFAULT. */
  policyNode: number | null = null;
  /** vm_userfaultfd_ctx: who is told of faults; null if nobody. */
  userfaultfd: UserfaultfdCtx | null = null;
  /** Its place among the mappings of its file. */
  iMmapNode: TreeInterval<Vma> | null = null;

  constructor(
    readonly mm: MmStruct,
    public start: number,
    /** First address behind it. */
    public end: number,
    public flags: number,
    /** Page of the file at `start`; for anonymous memory the page number of `start` itself. */
    public pgoff: number,
    readonly file: MappedFile | null,
  ) {}

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** is_cow_mapping: private, so a write makes a copy. Any private mapping may be made writable. */
  get isCow(): boolean {
    return !this.has(VM_SHARED);
  }

  /** vma_migratable: pages of a device's own memory stay where they are. */
  get isMigratable(): boolean {
    return this.file?.isDax !== true;
  }

  /**
   * vma_needs_dirty_tracking: the file system wants to know of every page that becomes dirty, so clean pages are mapped
   * read-only (writenotify).
   */
  get needsDirtyTracking(): boolean {
    if (!this.has(VM_SHARED) || !this.has(VM_WRITE) || this.file === null) return false;
    return this.file.vmOps.pageMkwrite !== undefined || this.file.mapping.options.canWriteback;
  }

  /** vma_soft_dirty_enabled: writes are watched for, so that they can be told (clear_refs 4). */
  get tracksSoftDirty(): boolean {
    return !this.has(VM_SOFTDIRTY);
  }

  /** vma_wants_writenotify: a shared mapping whose clean pages are mapped read-only, whoever wants to hear of it. */
  get wantsWritenotify(): boolean {
    if (!this.has(VM_SHARED) || !this.has(VM_WRITE)) return false;
    return this.needsDirtyTracking || this.has(VM_UFFD_WP) || (this.tracksSoftDirty && !this.has(VM_HUGETLB));
  }

  /** vm_ops_needs_writenotify: the file itself wants to hear of the first write to a page. */
  get fileWantsWritenotify(): boolean {
    return this.file?.vmOps.pageMkwrite !== undefined || this.file?.vmOps.pfnMkwrite !== undefined;
  }

  /** vm_page_prot: an entry that is installed for a read is writable too, for nobody wants to hear of the first write. */
  get readsMapWritable(): boolean {
    return this.has(VM_SHARED) && this.has(VM_WRITE) && !this.wantsWritenotify;
  }

  /** vma_had_uncowed_parents: pages of a parent may still appear here. */
  get hasParents(): boolean {
    return this.anonVma !== null && this.anonVmaChain.length !== 1;
  }

  /**
   * anon_vma_compatible: `upper` follows at once, in memory and in the file, and differs only in flags of `ignored`.
   */
  couldJoin(upper: Vma, ignored = VM_ACCESS | VM_STICKY): boolean {
    return (
      this.end === upper.start &&
      this.file === upper.file &&
      this.policyNode === upper.policyNode &&
      this.userfaultfd === upper.userfaultfd &&
      ((this.flags ^ upper.flags) & ~ignored) === 0 &&
      upper.pgoff === this.pageIndex(this.end)
    );
  }

  /** linear_page_index: the page of the file, or of anonymous memory, at an address. */
  pageIndex(address: number): number {
    return this.pgoff + Math.floor((address - this.start) / PAGE_SIZE);
  }

  /** The address at which page `index` of the file, or of anonymous memory, would be; it may lie outside. */
  addressOf(index: number): number {
    return this.start + (index - this.pgoff) * PAGE_SIZE;
  }

  toString(): string {
    const rights = `${this.has(VM_READ) ? 'r' : '-'}${this.has(VM_WRITE) ? 'w' : '-'}${this.has(VM_SHARED) ? 's' : 'p'}`;
    return `VMA [${hex(this.start)}, ${hex(this.end)}) ${rights} of ${this.mm.name}`;
  }
}
