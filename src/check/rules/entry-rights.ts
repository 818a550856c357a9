import { SWP_DEVICE_EXCLUSIVE, pteFrame, ptePresent, pteWritable, swapType } from '../../mm/index.js';

/** Whether a device may use a frame by what the CPU's entry says: it is mapped there, or lent to a device alone. */
export function entryAllows(pte: number, frame: number): boolean {
  return lends(pte) && pteFrame(pte) === frame;
}

/** Whether a device may write, by what the CPU's entry says. */
export function entryAllowsWrite(pte: number): boolean {
  return pteWritable(pte) || swapType(pte) === SWP_DEVICE_EXCLUSIVE;
}

/** Whether an entry gives a device anything at all. */
export function lends(pte: number): boolean {
  return ptePresent(pte) || swapType(pte) === SWP_DEVICE_EXCLUSIVE;
}

/** What is mapped at an address, in words. */
export function mappedThere(pte: number): string {
  return lends(pte) ? `frame ${String(pteFrame(pte))} is` : 'nothing is';
}
