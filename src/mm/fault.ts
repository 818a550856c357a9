import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { anonVmaPrepare } from './anon-vma.js';
import { newAnonFolio } from './anon.js';
import { removeDeviceExclusiveEntry } from './exclusive-entry.js';
import { cowFault, readFault, sharedFault } from './file-fault.js';
import { hugeAnonymousFault, hugeWriteProtectFault } from './huge-anon.js';
import { hugetlbFault } from './hugetlb.js';
import { settledEntry } from './migrate-folio.js';
import { mapFrame, mapZeroFrame } from './map-frame.js';
import { MTHP_ORDER, allowsMthp } from './mthp.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_DEVICE_EXCLUSIVE,
  SWP_GUARD,
  SWP_HWPOISON,
  SWP_MARKER,
  SWP_MIGRATION,
  SWP_SWAP,
  SWP_SWAP_EXCLUSIVE,
  ptePresent,
  pteWritable,
  swapType,
} from './pte.js';
import type { Vma } from './vma.js';
import { VM_HUGETLB, VM_SHARED, VM_UFFD_MISSING, VM_UFFD_WP } from './vma.js';
import { swapFault } from './swap-fault.js';
import { handleUserfault } from './userfaultfd-ctx.js';
import { writeProtectFault } from './wp-fault.js';

/**
 * handle_mm_fault (mm/memory.c): makes the page at `address` usable, writable if `write`.
 *
 * The caller holds mmap_lock, shared or exclusive, and has checked that the mapping allows the access. Sleeps for
 * folio locks, I/O, the file system and, where a page has to be replaced, for the drivers.
 *
 * @param unshareWanted the page must be nobody else's, though it is not to be written (FAULT_FLAG_UNSHARE); a shared
 *   mapping takes that for an ordinary read
 * @param allowRetry the caller can let mmap_lock go, which it holds shared, and then comes again (FAULT_FLAG_ALLOW_RETRY)
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
  const fault: VmFault = {
    vma,
    address,
    pgoff: vma.pageIndex(address),
    write,
    unshare,
    allowRetry,
    entry: PTE_NONE,
    frame: 0,
  };
  // Whatever comes of the fault, the tables down to the pmd are there from now on.
  mm.pageTable.makeDirectory(pageOf(address));
  let result: FaultResult;
  do result = yield* handlePteFault(fault);
  while (result === 'retry');

  if (result === 'released') {
    if (trace.on) trace.emit({ kind: 'mm_fault', mm: mm.id, address, write, unshare, signal: 'retry' });
    return result;
  }
  const signal = result === 'done' || result === 'locked' ? null : result;
  if (trace.on) trace.emit({ kind: 'mm_fault', mm: mm.id, address, write, unshare, signal });
  if (faults$.observed) faults$.emit({ mm, address, write, signal });
  return result;
}

function* handlePteFault(fault: VmFault): Task<FaultResult> {
  const { vma, address, write, unshare } = fault;
  const { pageTable } = vma.mm;
  if (vma.has(VM_HUGETLB)) return yield* hugetlbFault(fault);
  const page = pageOf(address);
  const pte = pageTable.get(page);
  fault.entry = pte;
  if (!ptePresent(pte)) {
    // handle_pte_marker
    if (swapType(pte) === SWP_GUARD) return 'SIGSEGV';
    if (swapType(pte) === SWP_HWPOISON) return 'HWPOISON';
    if (swapType(pte) === SWP_SWAP || swapType(pte) === SWP_SWAP_EXCLUSIVE) return yield* swapFault(fault, pte);
    if (swapType(pte) === SWP_MIGRATION) {
      yield* settledEntry(vma.mm, page);
      return 'retry';
    }
    if (swapType(pte) === SWP_DEVICE_EXCLUSIVE) return yield* removeDeviceExclusiveEntry(fault, pte);
    // pte_marker_handle_uffd_wp: nobody watches any more.
    if (swapType(pte) === SWP_MARKER && !vma.has(VM_UFFD_WP)) {
      pageTable.set(page, PTE_NONE);
      return 'retry';
    }
    // check_stable_address_space: what the OOM reaper took was no zeros.
    if (vma.mm.unstable && vma.isCow) return 'SIGBUS';
    if (vma.file === null) return (yield* hugeAnonymousFault(fault)) ?? (yield* anonymousFault(fault));
    if (!write) return yield* readFault(fault);
    return vma.has(VM_SHARED) ? yield* sharedFault(fault) : yield* cowFault(fault);
  }
  if ((write || unshare) && !pteWritable(pte)) {
    if (!unshare && vma.has(VM_UFFD_WP) && (pte & PTE_UFFD_WP) !== 0) return yield* handleUserfault(fault, true);
    if (pageTable.huge(page) === PTE_NONE) return yield* writeProtectFault(fault, pte);
    return yield* hugeWriteProtectFault(fault, pageTable.huge(page));
  }
  pageTable.addFlags(page, PTE_ACCESSED | (write ? PTE_DIRTY : 0));
  return 'done';
}

/** do_anonymous_page: the shared zero frame for a read, a frame of its own for a write. */
function* anonymousFault(fault: VmFault): Task<FaultResult> {
  const { vma, address, write } = fault;
  if (vma.has(VM_UFFD_MISSING)) {
    if (write) anonVmaPrepare(vma);
    return yield* handleUserfault(fault, false);
  }
  if (!write) {
    mapZeroFrame(vma, address);
    return 'done';
  }
  return (yield* mapNewFolio(fault, anonFolioOrder(vma, address))) ?? (yield* mapNewFolio(fault, 0)) ?? 'OOM';
}

/** A new folio of 2^order pages around the fault. @returns null if there is none to be had */
function* mapNewFolio({ vma, address }: VmFault, order: number): Task<FaultResult | null> {
  const bytes = PAGE_SIZE << order;
  const start = address - (address % bytes);
  const folio = yield* newAnonFolio(vma, start, order);
  if (folio < 0) return null;
  if (vma.mm.pageTable.get(pageOf(address)) !== PTE_NONE) {
    vma.mm.system.memory.put(folio);
    return 'retry';
  }
  const pages = 1 << order;
  if (pages > 1) vma.mm.system.memory.frames.get(folio, pages - 1);
  for (let i = 0; i < pages; i++) {
    mapFrame(vma, start + i * PAGE_SIZE, folio + i, PTE_WRITE | PTE_DIRTY | PTE_ACCESSED);
  }
  return 'done';
}

/** alloc_anon_folio: 64 KiB where the setting, the mapping and the entries around allow it; a page otherwise. */
function anonFolioOrder(vma: Vma, address: number): number {
  if (!allowsMthp(vma, address)) return 0;
  const pages = 1 << MTHP_ORDER;
  const first = pageOf(address) - (pageOf(address) % pages);
  for (let page = first; page < first + pages; page++) if (vma.mm.pageTable.get(page) !== PTE_NONE) return 0;
  return MTHP_ORDER;
}
