/** Page arithmetic: x86-64, 4 KiB pages, 2 MiB page-table leaves. */
export const PAGE_SHIFT = 12;
export const PAGE_SIZE = 4096;
/** Pages that one page-table leaf, one pmd-mapped huge page and one slab of bytes hold. */
export const PTRS_PER_PTE = 512;
/** A page number's place in its leaf, and the leaf's number. */
export const LEAF_SHIFT = 9;
export const LEAF_MASK = PTRS_PER_PTE - 1;
export const HPAGE_SIZE = PAGE_SIZE * PTRS_PER_PTE;

/** Number of the page that holds `address`; addresses go up to 2^53, so no shifts. */
export function pageOf(address: number): number {
  return Math.floor(address / PAGE_SIZE);
}

export function pageAlignDown(address: number): number {
  return address - (address % PAGE_SIZE);
}

export function pageAlignUp(address: number): number {
  return pageAlignDown(address + PAGE_SIZE - 1);
}

export function isPageAligned(address: number): boolean {
  return address % PAGE_SIZE === 0;
}

/** An address as the field writes it. */
export function hex(address: number): string {
  return `0x${address.toString(16)}`;
}
