import { HPAGE_SIZE, PAGE_SIZE } from '../../base/index.js';
import type { RemoteKey } from '../capture/index.js';

export const PAGE = BigInt(PAGE_SIZE);
const PIECE = BigInt(HPAGE_SIZE);
/** One key may reach over at most this many pages: 1 TiB. */
export const MAX_KEY_PAGES = 1n << 28n;
/** A key that reaches over more pages than this, and uses few of them, is laid out without what it does not use: 256 MiB. */
const SPARSE_PAGES = 1n << 16n;
/** Few: one in so many. */
const SPARSE_RATIO = 16n;

/** Captured addresses [start, end), page-aligned. */
export interface Extent {
  start: bigint;
  end: bigint;
}

export function wholePages(start: bigint, end: bigint, unit = PAGE): Extent {
  return { start: (start / unit) * unit, end: ((end + unit - 1n) / unit) * unit };
}

export function pagesOf({ start, end }: Extent): bigint {
  return (end - start) / PAGE;
}

export function totalPages(extents: readonly Extent[]): bigint {
  return extents.reduce((sum, extent) => sum + pagesOf(extent), 0n);
}

/** Sorts extents and joins those that touch. */
export function joined(extents: readonly Extent[]): Extent[] {
  const sorted = [...extents].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
  const result: Extent[] = [];
  for (const { start, end } of sorted) {
    const last = result.at(-1);
    if (last !== undefined && start <= last.end) last.end = end > last.end ? end : last.end;
    else result.push({ start, end });
  }
  return result;
}

/**
 * The memory behind a key, in order: what its owner announced; failing that, from the first to the last byte that the
 * capture reaches through it. Of a key to all of a machine's memory, as kernel users have, only the 2 MiB around each byte
 * that was reached.
 * @returns nothing if it reaches no memory
 */
export function extentsOf({ region, minAddress, maxAddress, written, read }: RemoteKey): Extent[] {
  const announced = region === undefined ? undefined : wholePages(region.start, region.end);
  if (announced !== undefined && pagesOf(announced) <= MAX_KEY_PAGES) return [announced];
  const span = wholePages(minAddress, maxAddress);
  if (pagesOf(span) === 0n) return [];
  if (pagesOf(span) <= SPARSE_PAGES) return [span];
  const pieces = joined([...written, ...read].map(({ start, end }) => wholePages(start, end, PIECE)));
  return totalPages(pieces) * SPARSE_RATIO > pagesOf(span) ? [span] : pieces;
}
