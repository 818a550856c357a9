import { PAGE_SIZE } from '../../base/index.js';
import { newBuffer } from './buffer.js';

let bytes: Uint8Array = new Uint8Array(0);

/** The byte that all of a new file's page hold. */
export function patternByte(page: number): number {
  return 97 + (page % 26);
}

/** What a new file with contents holds. The array is shared: it is read only. */
export function pattern(pages: number): Uint8Array {
  if (bytes.length < pages * PAGE_SIZE) {
    bytes = newBuffer(pages * PAGE_SIZE);
    for (let page = 0; page < pages; page++) {
      bytes.fill(patternByte(page), page * PAGE_SIZE, (page + 1) * PAGE_SIZE);
    }
  }
  return bytes;
}
