import { PAGE_SIZE } from './page.js';
import type { PageContents } from './page-contents.js';

/**
 * memcmp_pages: which of two pages comes first by its bytes; negative, 0 or positive. Where no bytes are kept, by the writes
 * that they come from.
 */
export function comparePages(contents: PageContents, a: number, b: number): number {
  if (a === b) return 0;
  const left = look(contents, a);
  const right = look(contents, b);
  for (let i = 0; i < PAGE_SIZE; i++) if (left[i] !== right[i]) return left[i] - right[i];
  return 0;
}

/** A 32-bit hash of the bytes of a page; where none are kept, of the writes that they come from. */
export function hashPage(contents: PageContents, page: number): number {
  let hash = 0x811c9dc5;
  for (const part of look(contents, page)) hash = Math.imul(hash ^ part, 0x01000193);
  return hash | 0;
}

/** What there is to tell a page from others by. */
function look(contents: PageContents, page: number): Uint8Array | Int32Array {
  if (contents.tellsBytes) {
    const bytes = new Uint8Array(PAGE_SIZE);
    contents.read(page, 0, bytes, 0, PAGE_SIZE);
    return bytes;
  }
  const stamps = new Int32Array(PAGE_SIZE);
  contents.forEachRun(page, 0, PAGE_SIZE, (start, end, stamp) => stamps.fill(stamp, start, end));
  return stamps;
}
