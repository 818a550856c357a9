/**
 * Page table entries: 32 bits, 26 of them the frame number, the others flags. 0 is an empty entry.
 *
 * The flags are those of x86-64 that matter to a device: what the CPU may do now, and what it has done.
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

const FRAME_SHIFT = 6;

export const PTE_NONE = 0;

export function makePte(frame: number, flags: number): number {
  return (frame << FRAME_SHIFT) | PTE_PRESENT | flags;
}

export function ptePresent(pte: number): boolean {
  return (pte & PTE_PRESENT) !== 0;
}

export function pteWritable(pte: number): boolean {
  return (pte & (PTE_PRESENT | PTE_WRITE)) === (PTE_PRESENT | PTE_WRITE);
}

export function pteFrame(pte: number): number {
  return pte >>> FRAME_SHIFT;
}
