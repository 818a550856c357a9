import type { Inode } from '../../fs/index.js';
import { removeIfUnused } from '../../mm/index.js';

/** invalidate_mapping_pages: the file forgets the clean folios that nobody uses. */
export function dropCache(inode: Inode): void {
  const { mapping, fs } = inode;
  const { memory } = fs.system;
  for (let index = mapping.pages.next(0, Infinity); index >= 0;) {
    const folio = memory.frames.folioOf(mapping.pages.get(index));
    const next = memory.frames.index[folio] + memory.frames.pages(folio);
    memory.frames.get(folio);
    removeIfUnused(fs.system, mapping, folio);
    memory.put(folio);
    index = mapping.pages.next(next, Infinity);
  }
}
