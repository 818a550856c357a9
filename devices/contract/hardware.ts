import type { Task } from '../../src/engine/index.js';
import type { MmStruct } from '../../src/mm/index.js';

/** An entry of a device's translation table: a frame and what the device may do with it. 0: no translation. */
export const MTT_PRESENT = 1 << 0;
/** The device may write the page, too. */
export const MTT_WRITE = 1 << 1;

const MTT_FRAME_SHIFT = 2;

/** The translation to a frame, by its number. */
export function makeMtt(frame: number, writable: boolean): number {
  return (frame << MTT_FRAME_SHIFT) | MTT_PRESENT | (writable ? MTT_WRITE : 0);
}

/** The frame of a translation. */
export function mttFrame(entry: number): number {
  return entry >>> MTT_FRAME_SHIFT;
}

/** A memory key: what remote requests name (its rkey) and the translations behind it. */
export interface Mkey {
  readonly rkey: number;
  /** First byte that the key gives access to, as remote requests name it. */
  readonly iova: number;
  /** Bytes from there on. */
  readonly length: number;
  /** IBV_ACCESS_* */
  readonly access: number;
  /** Number of 4 KiB pages that [iova, iova + length) touches: the length of the translation table. */
  readonly pages: number;
}

/** What a memory key is made of. */
export interface MkeyInit {
  readonly iova: number;
  readonly length: number;
  readonly access: number;
  /** Key to use instead of the next free one: for replays of traffic that names its keys. */
  readonly rkey?: number;
  /** Whose memory it is, and the address there of the first byte. The device does not need it; who watches it does. */
  readonly mm?: MmStruct;
  readonly start?: number;
}

/** The device met a page without a sufficient translation and asks its driver for one. */
export interface PageFault {
  readonly mkey: Mkey;
  /** Pages of the key that the stalled operation needs: [firstPage, firstPage + pages). */
  readonly firstPage: number;
  readonly pages: number;
  readonly write: boolean;
  /** The queue pair that waits, for messages. */
  readonly qpn: number;
}

/** What a driver's own part of the work costs, in ns; the device's profile says so. */
export interface DriverCosts {
  /** reg_mr: fixed part and part per page. */
  readonly register: (pages: number) => number;
  /** dereg_mr, by the pages that are let go. */
  readonly deregister: (pages: number) => number;
  /** Finding the pages of a fault. */
  readonly fault: (pages: number) => number;
  /** Bookkeeping of an invalidation that found translations. */
  readonly invalidate: (pages: number) => number;
}

/** The device as its driver sees it: what it can be told to do. */
export interface Hardware {
  readonly name: string;
  readonly costs: DriverCosts;
  /** A key with an empty translation table; accesses through it fault. */
  createMkey(init: MkeyInit): Mkey;
  /** Revokes a key. When this has returned, no access through it can land any more. */
  destroyMkey(mkey: Mkey): Task;
  /** Installs translations (MTT entries) from page `firstPage` of the key on; zero entries stay absent. */
  map(mkey: Mkey, firstPage: number, entries: Int32Array): Task;
  /** Removes translations. When this has returned, no access through the old ones can land any more. */
  unmap(mkey: Mkey, firstPage: number, pages: number): Task;
  /** Ends a page fault: the operation is tried again, or fails with a remote access error. */
  resume(fault: PageFault, outcome: 'retry' | 'error'): void;
}
