import { PAGE_SIZE, pageOf, type ErrnoCode } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import { placesOf } from './folio-places.js';
import type { MmStruct } from './mm-struct.js';
import type { MmSystem } from './mm-system.js';
import { removeIfUnused } from './page-cache.js';
import { PG_ANON, PG_DIRTY, PG_HUGETLB, PG_HWPOISON, PG_RESERVED, PG_WRITEBACK } from './page-flags.js';
import { pteFrame, ptePresent } from './pte.js';
import { folioMkclean } from './rmap.js';
import { splitFolio } from './split-folio.js';
import { tryToUnmap } from './try-to-unmap.js';
import type { Vma } from './vma.js';
import { unmapMappingRange } from './zap.js';

/** What came of a memory error: an errno if the page could not be taken out of use. */
export type FailureResult = ErrnoCode | null;

/**
 * memory_failure (mm/memory-failure.c): a frame is broken. Nobody maps it afterwards; where it was mapped, and its data are
 * lost with it, an access is a SIGBUS. A clean page of a file can be read again, and nobody is told.
 *
 * The caller has a reference to the folio, which keeps the frame from now on: it is never given out again.
 *
 * @param current whose access found the error (MF_ACTION_REQUIRED): it gets a SIGBUS at once
 * @returns EHWPOISON if the error was known, or the folio cannot be split; EBUSY if somebody still uses the page
 */
export function* memoryFailure(system: MmSystem, frame: number, current: MmStruct): Task<FailureResult> {
  const { memory } = system;
  const { frames } = memory;
  let folio = frames.folioOf(frame);
  if (frames.has(folio, PG_HUGETLB)) return yield* hugetlbFailure(system, frame, current);
  if (frames.has(frame, PG_HWPOISON)) {
    signal(current, addressesOf(frame, current));
    if (!system.isZero(frame)) memory.put(folio);
    return 'EHWPOISON';
  }
  frames.set(frame, PG_HWPOISON);
  // HWPoisonHandlable: the zero page is on no list.
  if (frames.has(folio, PG_RESERVED)) return 'EBUSY';
  if (frames.pages(folio) > 1) {
    yield* memory.lockFolio(folio);
    const split = yield* splitFolio(system, folio, frame);
    memory.unlockFolio(split ? frame : folio);
    if (!split) {
      // kill_procs_now: it may be pinned, and stays mapped.
      signal(current, addressesOf(frame, current));
      memory.put(folio);
      return 'EHWPOISON';
    }
    folio = frame;
  }
  // shake_folio
  system.lruBatches.drain();
  yield* memory.lockFolio(folio);
  yield* memory.waitForWriteback(folio);
  const unmapped = yield* hwpoisonUserMappings(system, frame, current);
  const result = unmapped ? pageAction(system, folio) : 'EBUSY';
  memory.unlockFolio(folio);
  return result;
}

/** try_memory_failure_hugetlb: all of the folio goes. Of private memory the healthy pages are given out again, as small ones. */
function* hugetlbFailure(system: MmSystem, frame: number, current: MmStruct): Task<FailureResult> {
  const { memory } = system;
  const { frames } = memory;
  const folio = frames.folioOf(frame);
  // hugetlb_update_hwpoison
  if (frames.has(folio, PG_HWPOISON)) {
    memory.put(folio);
    signal(current, addressesOf(frame, current));
    return 'EHWPOISON';
  }
  frames.set(folio, PG_HWPOISON);
  yield* memory.lockFolio(folio);
  const unmapped = yield* hwpoisonUserMappings(system, frame, current);
  const mapping = system.mappingOf(folio);
  memory.unlockFolio(folio);
  frames.set(frame, PG_HWPOISON);
  if (!unmapped) return 'EBUSY';
  // me_huge_page
  if (mapping !== null) return frames.refcount[folio] > 1 + frames.pages(folio) ? 'EBUSY' : null;
  if (frame !== folio) frames.clear(folio, PG_HWPOISON);
  const alone = frames.refcount[folio] === 1;
  memory.put(folio);
  return alone ? null : 'EBUSY';
}

/** me_pagecache_clean, me_pagecache_dirty: nothing finds the page any more. */
function pageAction(system: MmSystem, folio: number): FailureResult {
  const { frames } = system.memory;
  if (frames.has(folio, PG_ANON)) return null;
  const mapping = system.mappingOf(folio);
  if (mapping === null) return 'EBUSY';
  if (frames.has(folio, PG_DIRTY)) mapping.setError();
  const kept = !truncateErrorFolio(system, mapping, folio);
  // has_extra_refcount
  const left = frames.refcount[folio] - 1 - (kept ? frames.pages(folio) : 0);
  if (left > 0) return 'EBUSY';
  return kept && mapping.options.isShmem !== true ? 'EBUSY' : null;
}

/** truncate_error_folio. @returns false if the file keeps the folio */
function truncateErrorFolio(system: MmSystem, mapping: AddressSpace, folio: number): boolean {
  if (mapping.ops.errorRemoveFolio !== undefined) return mapping.ops.errorRemoveFolio(mapping, folio);
  if (system.memory.frames.has(folio, PG_DIRTY | PG_WRITEBACK)) return false;
  return mapping.ops.releaseFolio(mapping, folio) && removeIfUnused(system, mapping, folio);
}

/**
 * hwpoison_user_mappings, unmap_poisoned_folio: takes the locked folio of a frame from all who map it, and says so to `current` if data
 * are lost.
 *
 * @returns false if somebody still maps it
 */
function* hwpoisonUserMappings(system: MmSystem, frame: number, current: MmStruct): Task<boolean> {
  const { frames } = system.memory;
  const folio = frames.folioOf(frame);
  if (frames.folioMapcount(folio) === 0) return true;
  const mapping = system.mappingOf(folio);
  const killed = addressesOf(frame, current);
  let hwpoison = true;
  if (!frames.has(folio, PG_DIRTY) && mapping?.options.canWriteback === true) {
    // Dirty entries make a dirty folio; a clean one is dropped without side effects.
    hwpoison = (yield* folioMkclean(system, folio, { deviceWaitNs: 0 })) > 0;
    if (hwpoison) frames.set(folio, PG_DIRTY);
  }
  const unmapped = yield* tryToUnmap(system, folio, true, hwpoison);
  if (frames.has(folio, PG_DIRTY) || !unmapped) signal(current, killed);
  return unmapped;
}

/**
 * mf_generic_kill_procs, of a page of a file that lies in memory of a device (DAX): it is unmapped, and may be used again. The
 * caller's reference goes.
 */
export function* devicePageFailure(vma: Vma, address: number, frame: number): Task {
  const { memory } = vma.mm.system;
  memory.put(frame);
  if (vma.file === null) return;
  memory.frames.set(frame, PG_HWPOISON);
  const index = vma.pageIndex(address);
  yield* unmapMappingRange(vma.file.mapping, index, index + 1, false);
  signal(vma.mm, [address]);
}

/** collect_procs, of one process: others hear of it when they use the page (memory_failure_early_kill is off). */
function addressesOf(frame: number, mm: MmStruct): number[] {
  const { system, pageTable } = mm;
  const addresses: number[] = [];
  for (const { vma, start, end } of placesOf(system, system.memory.frames.folioOf(frame))) {
    for (let at = start; at < end && vma.mm === mm; at += PAGE_SIZE) {
      const pte = pageTable.get(pageOf(at));
      if (ptePresent(pte) && pteFrame(pte) === frame) addresses.push(at);
    }
  }
  return addresses;
}

/** kill_procs, force_sig_mceerr(BUS_MCEERR_AR). */
function signal(mm: MmStruct, addresses: readonly number[]): void {
  const { system } = mm;
  for (const address of addresses) {
    const { trace } = system.simulation;
    if (trace.on) trace.emit({ kind: 'mce_signal', mm: mm.id, address });
    system.memoryErrors$.emit({ mm, address });
  }
}
