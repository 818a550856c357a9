import { pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { newAnonPage } from './anon.js';
import { cowFault, readFault, sharedFault } from './file-fault.js';
import { splitHugePmd } from './huge-pmd.js';
import { mapFrame, mapZeroFrame } from './map-frame.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_WRITE,
  SWP_GUARD,
  SWP_HWPOISON,
  ptePresent,
  pteWritable,
  swapType,
} from './pte.js';
import type { Vma } from './vma.js';
import { VM_SHARED } from './vma.js';
import { writeProtectFault } from './wp-fault.js';

/**
 * handle_mm_fault (mm/memory.c): makes the page at `address` usable, writable if `write`.
 *
 * The caller holds mmap_lock, shared or exclusive, and has checked that the mapping allows the access. Sleeps for
 * folio locks, I/O, the file system and, where a page has to be replaced, for the drivers.
 *
 * @param unshareWanted the page must be nobody else's, though it is not to be written (FAULT_FLAG_UNSHARE); a shared
 *   mapping takes that for an ordinary read
 * @param allowRetry the caller lets mmap_lock go while a file is read, and then comes again (FAULT_FLAG_ALLOW_RETRY)
 */
export function* handleMmFault(
  vma: Vma,
  address: number,
  write: boolean,
  unshareWanted = false,
  allowRetry = true,
): Task<FaultResult> {
  const { mm } = vma;
  const unshare = unshareWanted && vma.isCow;
  const { simulation, costs, faults$ } = mm.system;
  const { trace } = simulation;
  if (trace.on) trace.emit({ kind: 'mm_fault_start', mm: mm.id, address, write, unshare });
  if (costs.minorFault > 0) yield costs.minorFault;
  const fault: VmFault = { vma, address, pgoff: vma.pageIndex(address), write, unshare, allowRetry, frame: 0 };
  let result: FaultResult;
  do result = yield* handlePteFault(fault);
  while (result === 'retry');

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
    // handle_pte_marker
    if (swapType(pte) === SWP_GUARD) return 'SIGSEGV';
    if (swapType(pte) === SWP_HWPOISON) return 'SIGBUS';
    if (vma.file === null) return yield* anonymousFault(fault);
    if (!write) return yield* readFault(fault);
    return vma.has(VM_SHARED) ? yield* sharedFault(fault) : yield* cowFault(fault);
  }
  if ((write || unshare) && !pteWritable(pte)) {
    if (pageTable.huge(page) === PTE_NONE) return yield* writeProtectFault(fault, pte);
    // wp_huge_pmd: a file's huge entry is never widened in place.
    yield* splitHugePmd(vma, address);
    return 'retry';
  }
  pageTable.addFlags(page, PTE_ACCESSED | (write ? PTE_DIRTY : 0));
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
