import type { Inode } from '../../src/fs/index.js';
import type { Machine } from './machine.js';

/** The cached folios of a file: [first page, pages]. */
export function cachedFolios(m: Machine, file: Inode): [number, number][] {
  const { frames } = m.memory;
  const found: [number, number][] = [];
  for (let page = file.mapping.pages.next(0, Infinity); page >= 0; page = file.mapping.pages.next(page + 1, Infinity)) {
    const folio = frames.folioOf(file.mapping.pages.get(page));
    if (frames.index[folio] === page) found.push([page, frames.pages(folio)]);
  }
  return found;
}
