/** Page arithmetic: x86-64, 4 KiB pages, 2 MiB page-table leaves. */
export const PAGE_SHIFT = 12;
/** Bytes of a page. */
export const PAGE_SIZE = 4096;
/** Pages that one page-table leaf, one pmd-mapped huge page and one slab of bytes hold. */
export const PTRS_PER_PTE = 512;
/** A page number's place in its leaf, and the leaf's number. */
export const LEAF_SHIFT = 9;
/** The part of a page number that is its place in its leaf. */
export const LEAF_MASK = PTRS_PER_PTE - 1;
/** Bytes of a huge page. */
export const HPAGE_SIZE = PAGE_SIZE * PTRS_PER_PTE;

/** Number of the page that holds `address`; addresses go up to 2^53, so no shifts. */
export function pageOf(address: number): number {
  return Math.floor(address / PAGE_SIZE);
}

/** First byte of the page that holds `address`. */
export function pageAlignDown(address: number): number {
  return address - (address % PAGE_SIZE);
}

/** `address`, or the first byte of the next page if it lies within one. */
export function pageAlignUp(address: number): number {
  return pageAlignDown(address + PAGE_SIZE - 1);
}

/** Whether a page begins at `address`. */
export function isPageAligned(address: number): boolean {
  return address % PAGE_SIZE === 0;
}

/** An address as the field writes it. */
export function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
