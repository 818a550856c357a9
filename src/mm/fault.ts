import { PTRS_PER_PTE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { newAnonPage } from './anon.js';
import { mapFrame, mapZeroFrame } from './map-frame.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_NONE, PTE_WRITE, ptePresent, pteWritable } from './pte.js';
import type { Vma } from './vma.js';
import { VM_SHARED, VM_WRITE } from './vma.js';
import { pageMkwrite, writeProtectFault } from './wp-fault.js';

/** fault_around_bytes, 64 KiB by default, in pages. */
const FAULT_AROUND_PAGES = 16;

/**
 * handle_mm_fault (mm/memory.c): makes the page at `address` usable, writable if `write`.
 *
 * The caller holds mmap_lock, shared or exclusive, and has checked that the mapping allows the access. Sleeps for
 * folio locks, I/O, the file system and, where a page has to be replaced, for the drivers.
 *
 * @param unshareWanted the page must be nobody else's, though it is not to be written (FAULT_FLAG_UNSHARE); a shared
 *   mapping takes that for an ordinary read
 */
export function* handleMmFault(vma: Vma, address: number, write: boolean, unshareWanted = false): Task<FaultResult> {
  const { mm } = vma;
  const unshare = unshareWanted && vma.isCow;
  const { simulation, costs, faults$ } = mm.system;
  const { trace } = simulation;
  if (trace.on) trace.emit({ kind: 'mm_fault_start', mm: mm.id, address, write, unshare });
  if (costs.minorFault > 0) yield costs.minorFault;
  let result: FaultResult;
  do {
    result = yield* handlePteFault({ vma, address, pgoff: vma.pageIndex(address), write, unshare, frame: 0 });
  } while (result === 'retry');

  const signal = result === 'done' || result === 'locked' ? null : result;
  if (trace.on) trace.emit({ kind: 'mm_fault', mm: mm.id, address, write, unshare, signal });
  if (faults$.observed) faults$.emit({ mm, address, write, signal });
  return result;
}

function* handlePteFault(fault: VmFault): Task<FaultResult> {
  const { vma, address, write, unshare } = fault;
  const { pageTable } = vma.mm;
  const page = pageOf(address);
  const pte = pageTable.get(page);
  if (!ptePresent(pte)) {
    if (vma.file === null) return yield* anonymousFault(fault);
    if (!write) return yield* readFault(fault);
    return vma.has(VM_SHARED) ? yield* sharedFault(fault) : yield* cowFault(fault);
  }
  if ((write || unshare) && !pteWritable(pte)) return yield* writeProtectFault(fault, pte);
  pageTable.set(page, pte | PTE_ACCESSED | (write ? PTE_DIRTY : 0));
  return 'done';
}

/** do_anonymous_page: the shared zero frame for a read, a frame of its own for a write. */
function* anonymousFault(fault: VmFault): Task<FaultResult> {
  const { vma, address, write } = fault;
  if (!write) {
    mapZeroFrame(vma, address);
    return 'done';
  }
  const frame = yield* newAnonPage(vma, address);
  if (frame < 0) return 'OOM';
  if (vma.mm.pageTable.get(pageOf(address)) !== PTE_NONE) {
    vma.mm.system.memory.put(frame);
    return 'retry';
  }
  mapFrame(vma, address, frame, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
  return 'done';
}

/** do_read_fault: maps the page cache's page, writable only if nobody wants to hear of the first write. */
function* readFault(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const writable = vma.has(VM_SHARED) && vma.has(VM_WRITE) && !vma.needsDirtyTracking;
  const flags = PTE_ACCESSED | (writable ? PTE_WRITE : 0);
  faultAround(fault, flags);
  if (vma.mm.pageTable.get(pageOf(address)) !== PTE_NONE) return 'done';
  const result = yield* fetch(fault);
  return result === 'locked' ? finish(fault, address, flags) : result;
}

/**
 * do_fault_around: maps what is in the cache of the block of 16 pages around the fault, within the mapping and the page
 * table. It does not sleep; if it reached the faulting page, the fault is over.
 */
function faultAround({ vma, address, pgoff }: VmFault, flags: number): void {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const page = pageOf(address);
  const first = Math.max(page - (page % FAULT_AROUND_PAGES), pageOf(vma.start));
  const end = Math.min(first + FAULT_AROUND_PAGES, page - (page % PTRS_PER_PTE) + PTRS_PER_PTE, pageOf(vma.end));
  vma.file?.vmOps.mapPages?.(pgoff + first - page, pgoff + end - page, (index, frame) => {
    const at = vma.addressOf(index);
    if (pageTable.get(pageOf(at)) !== PTE_NONE) return;
    frames.get(frames.folioOf(frame));
    mapFrame(vma, at, frame, flags);
  });
}

/** do_shared_fault: page_mkwrite first, so the file system has reserved what a write needs before one can happen. */
function* sharedFault(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const { system } = vma.mm;
  const fetched = yield* fetch(fault);
  if (fetched !== 'locked') return fetched;
  const folio = system.memory.frames.folioOf(fault.frame);
  if (vma.file?.vmOps.pageMkwrite !== undefined) {
    system.memory.unlockFolio(folio);
    const prepared = yield* pageMkwrite(fault);
    if (prepared !== 'locked') {
      system.memory.put(folio);
      return prepared;
    }
  }
  const { pageTable } = vma.mm;
  if (pageTable.get(pageOf(address)) === PTE_NONE) system.markDirty(folio);
  return finish(fault, address, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
}

/** do_cow_fault: a write to a private mapping of a file gets a copy at once. */
function* cowFault(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const { memory } = vma.mm.system;
  const copy = yield* newAnonPage(vma, address);
  if (copy < 0) return 'OOM';
  const result = yield* fetch(fault);
  if (result !== 'locked') {
    memory.put(copy);
    return result;
  }
  const source = memory.frames.folioOf(fault.frame);
  memory.contents.copy(memory.contents, fault.frame, copy);
  memory.unlockFolio(source);
  memory.put(source);
  if (vma.mm.pageTable.get(pageOf(address)) !== PTE_NONE) {
    memory.put(copy);
    return 'retry';
  }
  mapFrame(vma, address, copy, PTE_DIRTY | PTE_ACCESSED | (vma.has(VM_WRITE) ? PTE_WRITE : 0));
  return 'done';
}

/** __do_fault: `locked` with the folio locked and one reference for the entry to come. */
function* fetch(fault: VmFault): Task<FaultResult> {
  const { file } = fault.vma;
  return file === null ? 'SIGBUS' : yield* file.vmOps.fault(fault);
}

/** finish_fault: installs the entry unless somebody else did, and unlocks the folio. */
function finish(fault: VmFault, address: number, flags: number): FaultResult {
  const { vma, frame } = fault;
  const { memory } = vma.mm.system;
  const folio = memory.frames.folioOf(frame);
  const raced = vma.mm.pageTable.get(pageOf(address)) !== PTE_NONE;
  if (!raced) mapFrame(vma, address, frame, flags);
  memory.unlockFolio(folio);
  if (raced) memory.put(folio);
  return raced ? 'retry' : 'done';
}
