import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { moveAnonRmap, newAnonPage } from './anon.js';
import { mapFrame, unmapFrame } from './map-frame.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_LRU } from './page-flags.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_SOFT_DIRTY, PTE_UFFD_WP, PTE_WRITE, pteFrame } from './pte.js';
import { VM_SHARED } from './vma.js';

/** An entry's, the swap cache's and a batch's: a page with more references than these is not looked at more closely. */
const MOST_REFERENCES = 3;

/**
 * do_wp_page: a write to a page that is mapped read-only, or a wish to have it for oneself.
 *
 * A shared mapping asks the file system and widens the entry in place: no notification, rights only grow. A private one
 * takes over a page that nobody else has, or replaces it by a copy, and then says CLEAR.
 */
export function* writeProtectFault(fault: VmFault, pte: number): Task<FaultResult> {
  const { vma } = fault;
  fault.frame = pteFrame(pte);
  if (vma.has(VM_SHARED)) return yield* sharedWriteFault(fault, pte);
  if (!isExclusive(fault)) return yield* copyOnWrite(fault, pte);
  return fault.unshare ? 'done' : reuse(fault, pte);
}

/** do_page_mkwrite: calls the file system and says so. */
export function* pageMkwrite(fault: VmFault): Task<FaultResult> {
  const { vma, address } = fault;
  const { system } = vma.mm;
  const handler = vma.file?.vmOps;
  if (handler?.pageMkwrite === undefined) return 'locked';
  const { trace } = system.simulation;
  if (trace.on) trace.emit({ kind: 'page_mkwrite', mm: vma.mm.id, address });
  if (system.mkwrites$.observed) system.mkwrites$.emit({ mm: vma.mm, address });
  if (system.costs.pageMkwrite > 0) yield system.costs.pageMkwrite;
  return yield* handler.pageMkwrite(fault);
}

/** wp_page_shared, and fault_dirty_shared_page. */
function* sharedWriteFault(fault: VmFault, pte: number): Task<FaultResult> {
  const { vma } = fault;
  const { system } = vma.mm;
  const { memory } = system;
  const folio = memory.frames.folioOf(fault.frame);
  // wp_pfn_shared
  if (vma.file?.vmOps.pfnMkwrite !== undefined) return yield* vma.file.vmOps.pfnMkwrite(fault);
  if (vma.file?.vmOps.pageMkwrite === undefined) {
    system.markDirty(folio);
    return reuse(fault, pte);
  }
  memory.frames.get(folio);
  let result = yield* pageMkwrite(fault);
  if (result === 'locked') {
    // finish_mkwrite_fault: writeback or a truncation may have changed the entry while the file system slept.
    result = vma.mm.pageTable.get(pageOf(fault.address)) === pte ? reuse(fault, pte) : 'retry';
    if (result === 'done') system.markDirty(folio);
    memory.unlockFolio(folio);
  }
  memory.put(folio);
  return result;
}

/** wp_page_reuse: the same page, writable from now on. */
function reuse(fault: VmFault, pte: number): FaultResult {
  const { vma, address } = fault;
  const widened = pte | PTE_WRITE | PTE_DIRTY | PTE_ACCESSED | PTE_SOFT_DIRTY;
  vma.mm.pageTable.set(pageOf(address), widened);
  return 'done';
}

/** wp_can_reuse_anon_folio: anonymous and marked exclusive, or in fact nobody else's any more. */
function isExclusive(fault: VmFault): boolean {
  const { frames } = fault.vma.mm.system.memory;
  const folio = frames.folioOf(fault.frame);
  if (!frames.has(folio, PG_ANON)) return false;
  if (frames.has(fault.frame, PG_ANON_EXCLUSIVE)) return true;
  if (frames.order(folio) > 0) {
    // __wp_can_reuse_large_anon_folio: all references are entries, and all entries are this mm's. If this is the last one, the
    // folio is better freed.
    const mapcount = frames.folioMapcount(folio);
    if (mapcount <= 1 || frames.isMappedByMany(folio) || frames.refcount[folio] !== mapcount) return false;
  } else {
    if (!isAlone(fault.vma.mm.system, folio)) return false;
    moveAnonRmap(fault.vma, folio);
  }
  frames.set(fault.frame, PG_ANON_EXCLUSIVE);
  return true;
}

/** wp_can_reuse_anon_folio, of a small folio: who might still be about to put it on an LRU list does so first. */
function isAlone(system: MmSystem, folio: number): boolean {
  const { frames } = system.memory;
  const isNew = !frames.has(folio, PG_LRU);
  if (frames.refcount[folio] + (isNew ? 1 : 0) > MOST_REFERENCES) return false;
  if (isNew) system.lruBatches.drain();
  return frames.refcount[folio] === 1;
}

/** wp_page_copy: the data is copied before the notification; the entry changes inside it. */
function* copyOnWrite(fault: VmFault, pte: number): Task<FaultResult> {
  const { vma, address, frame, unshare } = fault;
  const { mm } = vma;
  const { memory } = mm.system;
  const page = pageOf(address);
  // Nobody may free the page, and another one move into its frame, while it is copied and compared.
  const old = memory.frames.folioOf(frame);
  memory.frames.get(old);
  const copy = yield* newAnonPage(vma, address);
  if (copy < 0) {
    memory.put(old);
    return 'OOM';
  }
  memory.contents.copy(memory.contents, frame, copy);

  const range = mm.notifiers.invalidateRangeStart('CLEAR', address, address + PAGE_SIZE);
  if (range.holds > 0) yield range;
  const unchanged = mm.pageTable.get(page) === pte;
  if (unchanged) {
    if (unmapFrame(vma, page, pte) >= 0) memory.put(old);
    mm.notifiers.archInvalidateSecondaryTlbs(address, address + PAGE_SIZE);
    const kept = unshare ? pte & (PTE_SOFT_DIRTY | PTE_UFFD_WP) : PTE_WRITE | PTE_DIRTY;
    mapFrame(vma, address, copy, PTE_ACCESSED | kept);
  }
  mm.notifiers.invalidateRangeEnd(range);
  memory.put(old);
  if (!unchanged) memory.put(copy);
  return unchanged ? 'done' : 'retry';
}
