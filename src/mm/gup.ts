import { Errno, PAGE_SIZE, hex, isErrno, pageAlignDown, pageAlignUp, pageOf } from '../base/index.js';
import type { Task } from '../engine/index.js';
import { handleMmFault } from './fault.js';
import type { MmStruct } from './mm-struct.js';
import type { MmSystem } from './mm-system.js';
import { PG_ANON, PG_ANON_EXCLUSIVE, PG_DIRTY } from './page-flags.js';
import { pteFrame, ptePresent, pteWritable } from './pte.js';
import { VM_READ, VM_WRITE, type Vma } from './vma.js';

/** FOLL_WRITE and FOLL_LONGTERM. FOLL_PIN is implied. */
export interface PinFlags {
  /** The device will write: pages are faulted in for writing. */
  readonly write: boolean;
  /** The pin is kept for as long as the user likes, as RDMA and VFIO do. */
  readonly longterm: boolean;
}

/** Pages that one call pins: as many as struct page pointers fit a page. */
const PAGES_PER_CALL = PAGE_SIZE / 8;

/**
 * ib_umem_get (drivers/infiniband/core/umem.c): faults in and pins every page of [start, start + length).
 *
 * A pin keeps the frame, not the mapping: what later happens to the mapping goes unnoticed by whoever holds it.
 *
 * @returns a frame per page
 * @throws Errno as pinUserPagesFast. What was pinned so far is unpinned.
 */
export function* pinUserPages(mm: MmStruct, start: number, length: number, flags: PinFlags): Task<Int32Array> {
  const from = pageAlignDown(start);
  const pages = (pageAlignUp(start + length) - from) / PAGE_SIZE;
  // Grows as pages are pinned: a region may be far larger than memory, and then the answer is an errno.
  let frames = new Int32Array(Math.min(pages, PAGES_PER_CALL));
  let done = 0;
  try {
    while (done < pages) {
      const wanted = Math.min(pages - done, PAGES_PER_CALL);
      const pinned = yield* pinUserPagesFast(mm, from + done * PAGE_SIZE, wanted, flags);
      if (done + pinned.length > frames.length) frames = grown(frames, Math.min(pages, 2 * (done + pinned.length)));
      frames.set(pinned, done);
      done += pinned.length;
    }
    return frames;
  } catch (error) {
    unpinUserPages(mm.system, frames.subarray(0, done));
    throw error;
  }
}

/**
 * pin_user_pages_fast (mm/gup.c): pins pages up to the first that cannot be. Whoever wants the others, too, calls again, and
 * only then hears why not: that page is met twice.
 *
 * @returns a frame per page that was pinned, at least one
 * @throws Errno EFAULT for an unmapped page, missing rights, a page beyond the end of the file, or a writable long-term
 *   pin that the kernel's policy refuses; ENOMEM
 */
export function* pinUserPagesFast(mm: MmStruct, start: number, pages: number, flags: PinFlags): Task<Int32Array> {
  const { system } = mm;
  const frames = new Int32Array(pages);
  yield mm.mmapLock.shared;
  let done = 0;
  try {
    for (; done < pages; done++) frames[done] = yield* pinPage(mm, start + done * PAGE_SIZE, flags);
  } catch (error) {
    if (!isErrno(error) || done === 0) throw error;
  } finally {
    mm.mmapLock.releaseShared();
    const { trace } = system.simulation;
    if (trace.on) {
      const end = start + pages * PAGE_SIZE;
      trace.emit({ kind: 'pin_user_pages', mm: mm.id, start, end, ...flags, pinned: done });
    }
  }
  return frames.subarray(0, done);
}

/** unpin_user_pages. */
export function unpinUserPages(system: MmSystem, frames: Int32Array): void {
  for (const frame of frames) {
    if (system.isZero(frame)) continue;
    system.memory.unpin(frame);
    system.pins.released++;
    system.pins.pinned--;
  }
}

/**
 * unpin_user_pages_dirty_lock: says that the device may have written, then lets go, page by page.
 *
 * This is all that tells the file system of a device's writes through a pin. It comes when the pin ends, which may be
 * hours after writeback last cleaned the page.
 */
export function* unpinUserPagesDirtyLock(system: MmSystem, frames: Int32Array): Task {
  const { memory } = system;
  for (let i = 0; i < frames.length; i++) {
    const folio = memory.frames.folioOf(frames[i]);
    if (!system.isZero(frames[i]) && !memory.frames.has(folio, PG_DIRTY)) {
      yield* memory.lockFolio(folio);
      system.markDirty(folio);
      memory.unlockFolio(folio);
    }
    unpinUserPages(system, frames.subarray(i, i + 1));
  }
}

function grown(frames: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(frames);
  return larger;
}

function* pinPage(mm: MmStruct, address: number, flags: PinFlags): Task<number> {
  const { system } = mm;
  for (;;) {
    const vma = mm.vmas.at(address);
    if (vma === null) throw new Errno('EFAULT', `pin of ${hex(address)}: nothing is mapped there in ${mm.name}`);
    checkVma(system, vma, address, flags);
    const pte = mm.pageTable.get(pageOf(address));
    const usable = flags.write ? pteWritable(pte) : ptePresent(pte);
    const unshare = usable && mustUnshare(vma, address, pteFrame(pte), flags);
    if (usable && !unshare) {
      pinFrame(system, pteFrame(pte));
      return pteFrame(pte);
    }
    const result = yield* handleMmFault(vma, address, flags.write, unshare);
    if (result === 'released') continue;
    if (result === 'OOM') throw new Errno('ENOMEM', `pin of ${hex(address)}: out of memory`);
    if (result !== 'done') throw new Errno('EFAULT', `pin of ${hex(address)}: the fault ended in ${result}`);
  }
}

/**
 * gup_must_unshare: a pin for reading must see what the process writes later. A page that the next write would replace,
 * the zero page, a private file mapping's or one shared with another process, is replaced before it is pinned.
 */
function mustUnshare(vma: Vma, address: number, frame: number, flags: PinFlags): boolean {
  if (flags.write) return false;
  const { frames } = vma.mm.system.memory;
  const folio = frames.folioOf(frame);
  if (frames.has(folio, PG_ANON)) {
    // Of a huge entry the first page speaks for all.
    const huge = ptePresent(vma.mm.pageTable.huge(pageOf(address)));
    return !frames.has(huge ? folio : frame, PG_ANON_EXCLUSIVE);
  }
  // Whoever pins for a short time does not expect to see later writes.
  return flags.longterm && vma.isCow;
}

/** Pinning the zero page is a no-op, as in Linux. */
function pinFrame(system: MmSystem, frame: number): void {
  if (system.isZero(frame)) return;
  const { pins, memory } = system;
  memory.frames.pin(frame);
  pins.acquired++;
  pins.pinned++;
  pins.peak = Math.max(pins.peak, pins.pinned);
}

/** check_vma_flags. */
function checkVma(system: MmSystem, vma: Vma, address: number, flags: PinFlags): void {
  const needed = flags.write ? VM_WRITE : VM_READ;
  if (!vma.has(needed)) {
    throw new Errno('EFAULT', `pin of ${hex(address)} for ${flags.write ? 'writing' : 'reading'}: ${vma.toString()}`);
  }
  if (flags.longterm && vma.file?.isDax === true) {
    throw new Errno('EOPNOTSUPP', `long-term pin of ${hex(address)}: ${vma.toString()} is DAX`);
  }
  if (flags.write && flags.longterm && vma.needsDirtyTracking && !system.pinPolicy.allowsWritableLongTermPin(vma)) {
    throw new Errno(
      'EFAULT',
      `long-term pin of ${hex(address)} for writing: ${vma.toString()} is a shared file mapping with dirty tracking`,
    );
  }
}
