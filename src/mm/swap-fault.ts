import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { FaultResult, VmFault } from './address-space.js';
import { newAnonPage } from './anon.js';
import { mapFrame } from './map-frame.js';
import { PG_ANON_EXCLUSIVE } from './page-flags.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  PTE_WRITE,
  SWP_SWAP_EXCLUSIVE,
  pteFrame,
  swapType,
} from './pte.js';
import { VM_WRITE } from './vma.js';

/**
 * do_swap_page (mm/memory.c): brings a page back from the swap device. One that was exclusive when it went is so again, and
 * is mapped writable even for a read. One that several mms have swapped out is shared among them through the swap cache.
 */
export function* swapFault(fault: VmFault, entry: number): Task<FaultResult> {
  const { vma, address, write } = fault;
  const { system, pageTable } = vma.mm;
  const { memory, swap } = system;
  const { frames } = memory;
  const slot = pteFrame(entry);
  system.lruBatches.drain();
  let frame = swap.cached(slot);
  const fromCache = frame >= 0;
  if (fromCache) {
    frames.get(frame);
  } else {
    frame = yield* newAnonPage(vma, address);
    if (frame < 0) return 'OOM';
    swap.read(slot, memory.contents, frame);
  }
  if (pageTable.get(pageOf(address)) !== entry) {
    memory.put(frame);
    return 'retry';
  }
  const alone = swap.count(slot) === 1;
  const exclusive = swapType(entry) === SWP_SWAP_EXCLUSIVE || (alone && frames.refcount[frame] === (fromCache ? 2 : 1));
  if (!alone && !fromCache) {
    frames.get(frame);
    swap.cache(slot, frame);
  }
  swap.free(slot);
  if (exclusive) frames.set(frame, PG_ANON_EXCLUSIVE);
  else frames.clear(frame, PG_ANON_EXCLUSIVE);
  const mayWrite = exclusive && vma.has(VM_WRITE) && (entry & PTE_UFFD_WP) === 0;
  const kept = entry & (PTE_SOFT_DIRTY | PTE_UFFD_WP);
  const softDirtyStops = vma.tracksSoftDirty && (kept & PTE_SOFT_DIRTY) === 0 && !write;
  const flags =
    PTE_ACCESSED | kept | (mayWrite && !softDirtyStops ? PTE_WRITE : 0) | (mayWrite && write ? PTE_DIRTY : 0);
  mapFrame(vma, address - (address % PAGE_SIZE), frame, flags);
  if ((kept & PTE_SOFT_DIRTY) === 0 && !write) {
    const page = pageOf(address);
    pageTable.set(page, pageTable.get(page) & ~PTE_SOFT_DIRTY);
  }
  return write && !mayWrite ? 'retry' : 'done';
}
