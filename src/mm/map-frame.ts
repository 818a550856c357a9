import { PTRS_PER_PTE, pageOf } from '../base/index.js';
import { ZERO_FRAME } from './physical-memory.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_SOFT_DIRTY,
  PTE_UFFD_WP,
  SWP_MARKER,
  makePte,
  makeSwapEntry,
  pteFrame,
} from './pte.js';
import { VM_UFFD_WP, type Vma } from './vma.js';

/** Installs an entry for a frame. The caller's reference to the folio becomes the entry's. */
export function mapFrame(vma: Vma, address: number, frame: number, flags: number): void {
  const { pageTable, system, id } = vma.mm;
  system.memory.frames.map(frame, id);
  pageTable.set(pageOf(address), makePte(frame, withSoftDirty(flags)));
}

/** Installs the zero frame, read-only. It is neither counted nor referenced. */
export function mapZeroFrame(vma: Vma, address: number): void {
  vma.mm.pageTable.set(pageOf(address), makePte(ZERO_FRAME, PTE_ACCESSED));
}

/**
 * Removes the entry of a page and its count; the entry's reference to the folio is the caller's afterwards.
 * @returns the frame that was mapped, or -1 if it was the zero frame and nothing is to be put
 */
export function unmapFrame(vma: Vma, page: number, pte: number): number {
  const { pageTable, system, id } = vma.mm;
  pageTable.set(page, PTE_NONE);
  const frame = pteFrame(pte);
  if (system.isZero(frame)) return -1;
  system.memory.frames.unmap(frame, id);
  return frame;
}

/**
 * pte_install_uffd_wp_if_needed: leaves a marker where an entry was that a userfaultfd had protected. A file's page can come
 * back; in anonymous memory there is nothing left to protect.
 */
export function keepUffdWp(vma: Vma, page: number, entry: number): void {
  if (vma.file === null || !vma.has(VM_UFFD_WP) || (entry & PTE_UFFD_WP) === 0) return;
  vma.mm.pageTable.set(page, makeSwapEntry(SWP_MARKER, 0, PTE_UFFD_WP));
}

/** Installs a huge entry for a folio of 512 pages. The caller's reference becomes the entry's. */
export function mapHuge(vma: Vma, address: number, folio: number, flags: number): void {
  const { pageTable, system, id } = vma.mm;
  system.memory.frames.mapHuge(folio, id);
  pageTable.setHuge(pageOf(address), makePte(folio, withSoftDirty(flags)));
}

/** As unmapFrame, of a huge entry. @returns the folio, or -1 if it was the huge zero folio */
export function unmapHuge(vma: Vma, page: number, entry: number): number {
  const { pageTable, system, id } = vma.mm;
  pageTable.setHuge(page, PTE_NONE);
  const folio = pteFrame(entry);
  if (system.isZero(folio)) return -1;
  system.memory.frames.unmapHuge(folio, id);
  return folio;
}

/** pte_mkdirty: what is dirty has been written to since soft-dirty bits were reset, too. */
function withSoftDirty(flags: number): number {
  return (flags & PTE_DIRTY) === 0 ? flags : flags | PTE_SOFT_DIRTY;
}

/** First page of the 2 MiB around a page. */
export function blockOf(page: number): number {
  return page - (page % PTRS_PER_PTE);
}
