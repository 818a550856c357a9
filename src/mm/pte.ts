/**
 * Page table entries: 32 bits, 26 of them the frame number, the others flags. 0 is an empty entry.
 *
 * The flags are those of x86-64 that matter to a device: what the CPU may do now, and what it has done. An entry that is
 * neither empty nor present is a swap entry: a type and a payload of 26 bits, and the flags that outlive the page.
 * A huge entry (a pmd) has the same form; its frame is the first of 512.
 */
export const PTE_PRESENT = 1 << 0;
/** The CPU may write without a fault. */
export const PTE_WRITE = 1 << 1;
/** The CPU has written, or a write fault says that it will. */
export const PTE_DIRTY = 1 << 2;
/** The CPU has used it. */
export const PTE_ACCESSED = 1 << 3;
/** Written since soft-dirty bits were reset (clear_refs 4). */
export const PTE_SOFT_DIRTY = 1 << 4;

/** Write-protected for a userfaultfd: a write is its business. Kept in swap entries too. */
export const PTE_UFFD_WP = 1 << 5;

/** First bit of the frame number, or of a swap entry's payload. */
export const FRAME_SHIFT = 6;

/** An entry of a page table that maps nothing. */
export const PTE_NONE = 0;

/** What a swap entry stands for; in bits 1 to 3. */
const TYPE_SHIFT = 1;
const TYPE_MASK = 0b111 << TYPE_SHIFT;
/** On the swap device; the payload is the slot. */
export const SWP_SWAP = 1 << TYPE_SHIFT;
/** The same, and the page was exclusive to this mm when it went (pte_swp_exclusive). */
export const SWP_SWAP_EXCLUSIVE = 2 << TYPE_SHIFT;
/** Being migrated; the payload is the old frame. What the entry said is kept by whoever migrates. */
export const SWP_MIGRATION = 3 << TYPE_SHIFT;
/** The page is broken; the payload is its frame. Access is a SIGBUS. */
export const SWP_HWPOISON = 4 << TYPE_SHIFT;
/** A marker (PTE_MARKER_GUARD): access is a SIGSEGV. */
export const SWP_GUARD = 5 << TYPE_SHIFT;
/** A marker that says nothing but its flags, PTE_UFFD_WP for one (PTE_MARKER_UFFD_WP). Otherwise as good as empty. */
export const SWP_MARKER = 6 << TYPE_SHIFT;
/** A device has the page to itself; the payload is its frame, which counts as mapped. */
export const SWP_DEVICE_EXCLUSIVE = 7 << TYPE_SHIFT;

export function makePte(frame: number, flags: number): number {
  return (frame << FRAME_SHIFT) | PTE_PRESENT | flags;
}

/** @param type SWP_*  @param flags PTE_SOFT_DIRTY, PTE_UFFD_WP or 0 */
export function makeSwapEntry(type: number, payload: number, flags = 0): number {
  return (payload << FRAME_SHIFT) | type | flags;
}

/** SWP_* of an entry that is not present; 0 for an empty one. */
export function swapType(entry: number): number {
  return (entry & PTE_PRESENT) === 0 ? entry & TYPE_MASK : 0;
}

export function ptePresent(pte: number): boolean {
  return (pte & PTE_PRESENT) !== 0;
}

export function pteWritable(pte: number): boolean {
  return (pte & (PTE_PRESENT | PTE_WRITE)) === (PTE_PRESENT | PTE_WRITE);
}

/** The frame of a present entry, the payload of a swap entry. */
export function pteFrame(pte: number): number {
  return pte >>> FRAME_SHIFT;
}
