import { IntervalTree, PAGE_SIZE } from '../base/index.js';
import { RwLock, type Simulation, type Task } from '../engine/index.js';
import { PageIndex } from './page-index.js';
import type { Vma } from './vma.js';

/** What the owner of a file's pages does about them: Linux's struct address_space_operations, as far as mm/ calls it. */
export interface AddressSpaceOperations {
  /** dirty_folio: the folio became dirty. Marks it and its inode; may notice that it should not have. */
  dirtyFolio(mapping: AddressSpace, folio: number): void;
  /** writepage to the swap device of a locked folio that nobody maps: tmpfs. Absent: its dirty pages are not reclaimed. */
  swapOut?(mapping: AddressSpace, folio: number): Task;
  /** Whether a page of [first, end) is on the swap device: tmpfs. Absent: none ever is. */
  isSwapped?(mapping: AddressSpace, first: number, end: number): boolean;
  /**
   * shmem_get_folio(SGP_NOALLOC) of a page that is on the swap device, or only reserved: its folio, valid, locked and
   * referenced; -1 if memory has run out. Absent: there are no such pages.
   */
  getFolio?(mapping: AddressSpace, index: number): Task<number>;
  /** migrate_folio: state that the owner keeps of a folio goes to the one that takes its place. */
  migrateFolio?(from: number, to: number): void;
  /**
   * error_remove_folio: the file forgets a locked folio that has a broken page and that nobody maps.
   * @returns false if it stays in the cache, so that whoever reads it is told. Absent: it goes if it is clean
   */
  errorRemoveFolio?(mapping: AddressSpace, folio: number): boolean;
  /** release_folio: gives up the file system's own state of a clean folio. False: it is still needed. */
  releaseFolio(mapping: AddressSpace, folio: number): boolean;
  /** free_folio: the cache has it no longer. */
  freeFolio?(folio: number): void;
}

export interface AddressSpaceOptions {
  /** AS_STABLE_WRITES: a page under writeback must not change, so write faults wait for its end. */
  readonly stableWrites: boolean;
  /** mapping_can_writeback: dirty pages go to a disk. */
  readonly canWriteback: boolean;
  /** mapping_max_folio_order: the largest folio that the cache may hold; default 0. */
  readonly maxOrder?: number;
  /** shmem_mapping: memory without a disk, of which large folios are mapped beyond the end of the file too. */
  readonly isShmem?: boolean;
}

/** The pages of one file in memory, and who maps them: Linux's struct address_space. */
export class AddressSpace {
  /** Cached pages by page number of the file. */
  readonly pages = new PageIndex();
  /** Mappings of the file, by the file pages that they show. */
  readonly iMmap = new IntervalTree<Vma>();
  /** i_mmap_rwsem: shared by whoever walks the mappings, exclusive to change them. */
  readonly iMmapLock: RwLock;
  /** invalidate_lock: shared by faults, exclusive while pages are truncated. */
  readonly invalidateLock: RwLock;
  /** i_size in bytes. */
  size = 0;
  /** AS_EIO: data were lost, and no direct I/O, nor a sync, has been told. */
  private asEio = false;
  /** wb_err, as the one who has the file open sees it: data were lost since the last sync. */
  private wbErr = false;
  /** s_wb_err, this file's part: data were lost since the last sync of the file system. */
  private superErr = false;

  /** @internal made by MmSystem.newAddressSpace */
  constructor(
    simulation: Simulation,
    /** Number by which frames name their owner, never reused. */
    readonly id: number,
    readonly name: string,
    readonly ops: AddressSpaceOperations,
    readonly options: AddressSpaceOptions,
  ) {
    this.iMmapLock = new RwLock(simulation, `i_mmap_rwsem of ${name}`, 'i_mmap_rwsem');
    this.invalidateLock = new RwLock(simulation, `invalidate_lock of ${name}`, 'invalidate_lock');
  }

  /** mapping_set_error(-EIO). */
  setError(): void {
    this.asEio = true;
    this.wbErr = true;
    this.superErr = true;
  }

  /** filemap_check_errors: whether data were lost. Says so once. */
  checkErrors(): boolean {
    const lost = this.asEio;
    this.asEio = false;
    return lost;
  }

  /** file_check_and_advance_wb_err: whether data were lost since the last sync. */
  checkAndAdvanceWbErr(): boolean {
    const lost = this.wbErr;
    this.wbErr = false;
    this.asEio = false;
    return lost;
  }

  /** This file's part of errseq_check_and_advance of s_wb_err: whether data were lost since the last syncfs. */
  checkAndAdvanceSuperErr(): boolean {
    const lost = this.superErr;
    this.superErr = false;
    return lost;
  }

  /** Number of pages that the file reaches into. */
  get sizeInPages(): number {
    return Math.ceil(this.size / PAGE_SIZE);
  }
}

/** What a fault handler is asked and answers: Linux's struct vm_fault. */
export interface VmFault {
  readonly vma: Vma;
  /** Address of the page, in bytes. */
  readonly address: number;
  /** Page of the file. */
  readonly pgoff: number;
  /** orig_pte: the entry that the fault is about. */
  entry: number;
  readonly write: boolean;
  /** FAULT_FLAG_UNSHARE: a pin for reading wants a page of the process's own, writable or not. */
  readonly unshare: boolean;
  /** FAULT_FLAG_ALLOW_RETRY and not tried yet: whoever has to read from a disk does so, and then asks to come again. */
  allowRetry: boolean;
  /** Answer: the frame that holds the page. */
  frame: number;
}

/**
 * How a fault ended:
 * - `done`: the entry is in place;
 * - `locked`: the handler brought the page in and left its folio locked, with a reference;
 * - `retry`: something changed meanwhile, look again (VM_FAULT_NOPAGE);
 * - `released`: mmap_lock was let go and taken again: find the mapping again, and come again (VM_FAULT_RETRY);
 * - `SIGBUS`: no such page in the file;
 * - `HWPOISON`: the page is broken, a SIGBUS too;
 * - `SIGSEGV`: no mapping, or no right;
 * - `OOM`: no memory.
 */
export type FaultResult = 'done' | 'locked' | 'retry' | 'released' | 'SIGBUS' | 'HWPOISON' | 'SIGSEGV' | 'OOM';

/** What a file system does about mapped pages: Linux's struct vm_operations_struct. */
export interface VmOperations {
  /** fault: brings a page in, valid and locked. */
  fault(fault: VmFault): Task<FaultResult>;
  /**
   * map_pages: calls `map` for the pages of the file in [from, to) that can be mapped at once: valid and not locked.
   * Absent: a fault maps its own page only.
   */
  mapPages?(from: number, to: number, map: (pgoff: number, frame: number) => void): void;
  /** copy_page_range of memory that is not copied as anonymous pages are: hugetlb, DAX. Absent: the usual way. */
  copyRange?(to: Vma, from: Vma): Task;
  /** move_page_tables of memory whose entries are not moved as usual: hugetlb. Absent: the usual way. */
  moveRange?(from: Vma, address: number, to: number, length: number): Task;
  /**
   * What a userfaultfd puts where nothing is (vm_uffd_ops): a new page of the file, zeroed, in the cache, locked and with one
   * reference. Absent: a userfaultfd cannot watch mappings of the file.
   * @throws Errno EEXIST if the file has the page; EFAULT behind its end; ENOMEM
   */
  newZeroFolio?(index: number): Task<number>;
  /** pfn_mkwrite: page_mkwrite of memory that no page cache holds; leaves a writable entry. Absent: there is a page cache. */
  pfnMkwrite?(fault: VmFault): Task<FaultResult>;
  /** set_policy: pages [first, end) come from a node from now on, or from anywhere again. Absent: each mapping has its own. */
  setPolicy?(first: number, end: number, node: number | null): void;
  /** get_policy: the node from which a page comes; null if that was never said. */
  getPolicy?(pgoff: number): number | null;
  /**
   * page_mkwrite: a clean page is about to become writable. Reserves space, dirties the folio and leaves it locked.
   * Absent: the file system need not know.
   */
  pageMkwrite?(fault: VmFault): Task<FaultResult>;
}
