import { PAGE_SIZE, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import { mapFrame, mapZeroFrame } from './map-frame.js';
import { ZERO_FRAME } from './physical-memory.js';
import { PTE_ACCESSED, PTE_DIRTY, PTE_WRITE, pteFrame, ptePresent } from './pte.js';
import { VM_SHARED, VM_WRITE, type Vma } from './vma.js';

/** Whoever maps memory that no page cache holds: the device's own (DAX). */

/**
 * vmf_insert_page_mkwrite: installs an entry for a frame of a device, or for the zero page. An entry that is there for the
 * same frame may be written to from now on, any other stays.
 */
export function insertPfn(vma: Vma, address: number, frame: number, write: boolean): void {
  const { pageTable, system } = vma.mm;
  const page = pageOf(address);
  const pte = pageTable.get(page);
  const rights = PTE_ACCESSED | (write && vma.has(VM_WRITE) ? PTE_WRITE : 0);
  if (ptePresent(pte)) {
    if (write && pteFrame(pte) === frame) pageTable.set(page, pte | rights);
    return;
  }
  if (frame === ZERO_FRAME) {
    mapZeroFrame(vma, address);
    return;
  }
  system.memory.frames.get(frame);
  mapFrame(vma, address, frame, rights | (write ? PTE_DIRTY : 0));
}

/**
 * pfn_mkclean_range, of one page of a file: its entries in shared mappings become clean and read-only. One PROTECTION_PAGE
 * per mapping that could show the page, whether it does or not.
 */
export function* dropPfnRights(mapping: AddressSpace, index: number): Task {
  yield mapping.iMmapLock.shared;
  const vmas: Vma[] = [];
  mapping.iMmap.forEachOverlap(index, index, (vma) => vmas.push(vma));
  for (const vma of vmas) {
    if (!vma.has(VM_SHARED)) continue;
    const { notifiers, pageTable } = vma.mm;
    const address = vma.addressOf(index);
    const range = notifiers.invalidateRangeStart('PROTECTION_PAGE', address, address + PAGE_SIZE);
    if (range.holds > 0) yield range;
    const pte = pageTable.get(pageOf(address));
    if (ptePresent(pte) && (pte & (PTE_DIRTY | PTE_WRITE)) !== 0) {
      pageTable.set(pageOf(address), pte & ~(PTE_DIRTY | PTE_WRITE));
      notifiers.archInvalidateSecondaryTlbs(address, address + PAGE_SIZE);
    }
    notifiers.invalidateRangeEnd(range);
  }
  mapping.iMmapLock.releaseShared();
}
