import { PAGE_SIZE, hex, pageOf } from '../base/index.js';
import type { TraceEvent } from '../engine/index.js';
import {
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_NONE,
  PTE_SOFT_DIRTY,
  SWP_DEVICE_EXCLUSIVE,
  pteFrame,
  ptePresent,
  pteWritable,
  swapType,
  type EntryChange,
} from '../mm/index.js';
import { ULONG_MAX, type InvalidateRange } from '../../notifiers/index.js';

/** Fields of traced events that are addresses, or keys that are written like them. */
const ADDRESSES = new Set(['address', 'start', 'end', 'remoteAddress', 'rkey']);

/** `[0x1000, 0x2000)`. */
export function bytes(start: number, end: number): string {
  return `[${hex(start)}, ${end >= ULONG_MAX ? 'ULONG_MAX' : hex(end)})`;
}

/** `MMU_NOTIFY_CLEAR [0x1000, 0x2000)`. */
export function rangeWords({ event, start, end }: InvalidateRange): string {
  return `MMU_NOTIFY_${event} ${bytes(start, end)}`;
}

export function pfn(frame: number): string {
  return `pfn ${hex(frame)}`;
}

/** `server [0x1000, 0x1040) pfn 0x12`. */
export function accessWords(device: string, address: number, length: number, frame: number): string {
  return `${device} ${bytes(address, address + length)} ${pfn(frame)}`;
}

/** `server 0x1000 pfn 0x12 rw`. */
export function translationWords(device: string, address: number, frame: number, writable: boolean): string {
  return `${device} ${hex(address)} ${pfn(frame)} ${writable ? 'rw' : 'ro'}`;
}

/** `0x1000: pfn 0x12 rw dirty -> pfn 0x12 ro`. */
export function entryWords({ page, was, now }: EntryChange): string {
  // Of interest to few, so it is told where it changes.
  const softDirty = ((was ^ now) & PTE_SOFT_DIRTY) !== 0 && ptePresent(was) && ptePresent(now);
  return `${hex(page * PAGE_SIZE)}: ${entry(was, softDirty)} -> ${entry(now, softDirty)}`;
}

/** An entry of a page table, in the words of pte_write, pte_dirty, pte_young and pte_soft_dirty. */
function entry(pte: number, softDirty: boolean): string {
  if (pte === PTE_NONE) return 'none';
  if (!ptePresent(pte)) return swapType(pte) === SWP_DEVICE_EXCLUSIVE ? 'device-exclusive entry' : 'swap entry';
  const flags = [pteWritable(pte) ? 'rw' : 'ro'];
  if ((pte & PTE_DIRTY) !== 0) flags.push('dirty');
  if ((pte & PTE_ACCESSED) !== 0) flags.push('young');
  if (softDirty && (pte & PTE_SOFT_DIRTY) !== 0) flags.push('soft-dirty');
  return `${pfn(pteFrame(pte))} ${flags.join(' ')}`;
}

/** `data page 3`: a folio by its first page in the file. */
export function folioWords({ file, file_page: page }: TraceEvent): string {
  return `${String(file)} page ${String(page)}`;
}

/** The page that holds an address, as bytes. */
export function pageBytes(address: number): { readonly start: number; readonly end: number } {
  const start = pageOf(address) * PAGE_SIZE;
  return { start, end: start + PAGE_SIZE };
}

/** What has no words of its own: its fields. What is an address is told as one. */
export function fieldWords(event: TraceEvent): string {
  return Object.entries(event)
    .filter(([field, value]) => field !== 'kind' && value !== undefined)
    .map(([field, value]) => `${field} ${ADDRESSES.has(field) ? hex(Number(value)) : String(value)}`)
    .join(', ');
}
