import { Errno, HPAGE_SIZE, PAGE_SIZE, hex, isPageAligned, pageAlignUp, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { ULONG_MAX } from '../../notifiers/index.js';
import type { MmStruct } from './mm-struct.js';
import { linkVma, splitVmaAt, unlinkVma } from './split-vma.js';
import { VM_ACCOUNT, VM_HUGETLB, VM_SHARED, VM_SOFTDIRTY, VM_WRITE, Vma, type MappedFile } from './vma.js';
import { joinNeighbours } from './vma-merge.js';
import { unmapVmas } from './zap.js';

/** First address that a process cannot map: x86-64 with four levels of page tables. */
export const TASK_SIZE = 2 ** 47;

/**
 * Where free addresses are looked for, from here down: mmap_base with the smallest gap that Linux leaves for the stack
 * (MIN_GAP of arch/x86/mm/mmap.c) and no randomization.
 */
const MMAP_BASE = TASK_SIZE - 2 ** 27;

/** vm.mmap_min_addr, as distributions set it. */
const MMAP_MIN_ADDR = 65_536;

/** What mmap(2) is asked for. */
export interface MmapRequest {
  /**
   * Address, page-aligned. What was mapped there is unmapped first (MAP_FIXED). If absent, the highest free addresses
   * are taken.
   */
  readonly address?: number;
  /** Bytes, rounded up to pages. */
  readonly length: number;
  /** VM_* flags. */
  readonly flags: number;
  /** The file and its page at `address`; absent for anonymous memory. */
  readonly file?: { readonly file: MappedFile; readonly pgoff: number };
}

/**
 * mmap(2), with MAP_FIXED if an address is given.
 * @throws Errno EINVAL for an unaligned address, no length or a part of a huge page of hugetlb; ENOMEM beyond the address
 *   space or if it is full
 */
export function* mmap(mm: MmStruct, request: MmapRequest): Task<Vma> {
  const flags = request.flags | (request.file?.file.mmapFlags ?? 0);
  const unit = (flags & VM_HUGETLB) === 0 ? PAGE_SIZE : HPAGE_SIZE;
  const length = Math.ceil(request.length / unit) * unit;
  if (!(length > 0)) throw new Errno('EINVAL', `mmap of ${String(request.length)} bytes`);
  if (request.address !== undefined) checkFixed(request.address, length, unit);
  if (((request.file?.pgoff ?? 0) * PAGE_SIZE) % unit !== 0) throw new Errno('EINVAL', 'mmap inside a huge page');
  yield mm.mmapLock.exclusive;
  try {
    return yield* mmapLocked(mm, { ...request, flags }, length);
  } finally {
    mm.mmapLock.releaseExclusive();
  }
}

/** mmap_region, with mmap_lock held exclusively. */
function* mmapLocked(mm: MmStruct, request: MmapRequest, length: number): Task<Vma> {
  const { flags } = request;
  const address = request.address ?? unmappedArea(mm, length);
  if (address === null) {
    throw new Errno('ENOMEM', `mmap of ${String(length)} bytes: no such gap below ${hex(MMAP_BASE)} in ${mm.name}`);
  }
  const end = address + length;
  const replaced = yield* gatherVmas(mm, address, end);
  if (replaced.length > 0) yield* clearVmas(mm, replaced, address, end);
  const pgoff = request.file?.pgoff ?? pageOf(address);
  const accounted = (flags & (VM_SHARED | VM_WRITE | VM_HUGETLB)) === VM_WRITE ? VM_ACCOUNT : 0;
  const vma = new Vma(mm, address, end, flags | accounted | VM_SOFTDIRTY, pgoff, request.file?.file ?? null);
  yield* linkVma(vma);
  // Where the kernel chose the place, the mapping's start is the answer, so it stays by itself.
  return request.address === undefined ? vma : yield* joinNeighbours(vma);
}

/**
 * munmap(2): one UNMAP over the range, whatever lies in it; none if nothing is mapped.
 *
 * Only finding the mappings needs mmap_lock exclusively. While drivers are waited for it is shared, and faults elsewhere
 * in the mm go on.
 *
 * @throws Errno EINVAL for an unaligned address, no length, a range beyond the address space, or a part of a huge page
 */
export function* munmap(mm: MmStruct, address: number, length: number): Task {
  const end = address + pageAlignUp(length);
  if (!isPageAligned(address) || !(length > 0) || address < 0 || end > TASK_SIZE) {
    throw new Errno('EINVAL', `munmap of ${String(length)} bytes at ${hex(address)}`);
  }
  yield mm.mmapLock.exclusive;
  let gone: Vma[];
  try {
    gone = yield* gatherVmas(mm, address, end);
  } catch (error) {
    mm.mmapLock.releaseExclusive();
    throw error;
  }
  mm.mmapLock.downgrade();
  if (gone.length > 0) yield* clearVmas(mm, gone, address, end);
  mm.mmapLock.releaseShared();
}

/** do_vmi_munmap: munmap under an exclusive mmap_lock, which stays exclusive. */
export function* munmapLocked(mm: MmStruct, start: number, end: number): Task {
  const gone = yield* gatherVmas(mm, start, end);
  if (gone.length > 0) yield* clearVmas(mm, gone, start, end);
}

/** exit_mmap: tells the drivers that the mm goes away, then unmaps everything. */
export function* exitMmap(mm: MmStruct): Task {
  mm.alive = false;
  if (mm.system.ksm.exit(mm)) {
    // ksmd backs out.
    yield mm.mmapLock.exclusive;
    mm.mmapLock.releaseExclusive();
  }
  yield* mm.notifiers.release();
  yield mm.mmapLock.exclusive;
  const vmas = [...mm.vmas];
  for (const vma of vmas) mm.vmas.remove(vma);
  yield* unmapVmas(mm, vmas, 0, TASK_SIZE, { start: 0, end: ULONG_MAX });
  mm.oomSkip = true;
  for (const vma of vmas) yield* unlinkVma(vma);
  mm.pageTable.freeLeaves(0, pageOf(TASK_SIZE));
  mm.mmapLock.releaseExclusive();
}

function checkFixed(address: number, length: number, unit: number): void {
  if (address % unit !== 0) throw new Errno('EINVAL', `mmap at ${hex(address)}, not a multiple of the page size`);
  const end = address + length;
  if (address < 0 || end > TASK_SIZE) {
    throw new Errno('ENOMEM', `mmap of [${hex(address)}, ${hex(end)}): addresses end at ${hex(TASK_SIZE)}`);
  }
}

/** vm_unmapped_area, top-down: the highest gap below MMAP_BASE that holds `length` bytes; null if there is none. */
function unmappedArea(mm: MmStruct, length: number): number | null {
  let end = mm.vmas.at(MMAP_BASE)?.start ?? MMAP_BASE;
  for (;;) {
    const below = mm.vmas.before(end);
    // Page 0 stays free (mmap_min_addr): a null pointer faults.
    const floor = Math.max(below?.end ?? 0, MMAP_MIN_ADDR);
    if (end - floor >= length) return end - length;
    if (below === null) return null;
    end = below.start;
  }
}

/** vms_gather_munmap_vmas: splits what straddles the edges and takes the mappings off the mm. */
function* gatherVmas(mm: MmStruct, start: number, end: number): Task<Vma[]> {
  if (mm.vmas.overlapping(start, end).length === 0) return [];
  yield* splitVmaAt(mm, start);
  yield* splitVmaAt(mm, end);
  const vmas = mm.vmas.overlapping(start, end);
  for (const vma of vmas) mm.vmas.remove(vma);
  return vmas;
}

/** vms_clear_ptes, vms_complete_munmap_vmas: unmaps what was gathered and lets the files forget it. */
function* clearVmas(mm: MmStruct, vmas: readonly Vma[], start: number, end: number): Task {
  yield* unmapVmas(mm, vmas, start, end);
  for (const vma of vmas) yield* unlinkVma(vma);
  freeTables(mm, start, end);
}

/** free_pgtables: leaves go with the range, up to the neighbouring mappings. */
function freeTables(mm: MmStruct, start: number, end: number): void {
  const floor = mm.vmas.before(start)?.end ?? 0;
  const ceiling = mm.vmas.after(end)?.start ?? TASK_SIZE;
  const from = Math.max(floor, start - (start % HPAGE_SIZE));
  const to = Math.min(ceiling, end + ((HPAGE_SIZE - (end % HPAGE_SIZE)) % HPAGE_SIZE));
  mm.pageTable.freeLeaves(pageOf(from), pageOf(to), pageOf(floor), pageOf(ceiling));
}
