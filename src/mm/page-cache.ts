import { SimulationError } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import type { MmSystem } from './mm-system.js';
import { PG_DIRTY, PG_PRIVATE, PG_WRITEBACK } from './page-flags.js';

/**
 * filemap_add_folio: the folio holds the file's pages from `index` on, a multiple of its size. The cache takes a
 * reference per page.
 */
export function addToPageCache(system: MmSystem, mapping: AddressSpace, folio: number, index: number): void {
  const { frames } = system.memory;
  const pages = frames.pages(folio);
  if (index % pages !== 0 || mapping.pages.next(index, index + pages) >= 0) {
    throw new SimulationError(
      `folio ${String(folio)} of ${String(pages)} pages cannot be page ${String(index)} of ${mapping.name}: ` +
        'it is not aligned to its size, or another one is there',
    );
  }
  frames.get(folio, pages);
  frames.owner[folio] = mapping.id;
  frames.index[folio] = index;
  for (let i = 0; i < pages; i++) mapping.pages.set(index + i, folio + i);
}

/**
 * filemap_remove_folio: the file forgets the folio and the cache drops its references. Nobody may map it any more: whoever
 * wrote through such a mapping would write to nothing.
 */
export function removeFromPageCache(system: MmSystem, mapping: AddressSpace, folio: number): void {
  const { frames } = system.memory;
  const pages = frames.pages(folio);
  const index = frames.index[folio];
  if (frames.folioMapcount(folio) > 0) {
    throw new SimulationError(`page ${String(index)} of ${mapping.name} was dropped from the cache while mapped`);
  }
  for (let i = 0; i < pages; i++) mapping.pages.delete(index + i);
  frames.owner[folio] = 0;
  frames.clear(folio, PG_DIRTY | PG_PRIVATE);
  mapping.ops.freeFolio?.(folio);
  system.memory.put(folio, pages);
}

/**
 * __remove_mapping: forgets a clean folio if nobody else refers to it. The caller holds the folio lock and one reference.
 *
 * @returns false if somebody does, a pin for one, or if it became dirty
 */
export function removeIfUnused(system: MmSystem, mapping: AddressSpace, folio: number): boolean {
  const { frames } = system.memory;
  if (frames.refcount[folio] !== 1 + frames.pages(folio) || frames.has(folio, PG_DIRTY)) return false;
  removeFromPageCache(system, mapping, folio);
  return true;
}

/**
 * The machine lost power: the file has nothing in memory. Who still maps or pins a folio keeps the frame, as after a
 * truncation; writeback that was under way gives its reference back.
 */
export function forgetPageCache(system: MmSystem, mapping: AddressSpace): void {
  const { frames } = system.memory;
  for (let index = mapping.pages.next(0, Infinity); index >= 0; index = mapping.pages.next(index, Infinity)) {
    const folio = frames.folioOf(mapping.pages.get(index));
    const pages = frames.pages(folio);
    for (let i = 0; i < pages; i++) mapping.pages.delete(index + i);
    const references = pages + (frames.has(folio, PG_WRITEBACK) ? 1 : 0);
    frames.owner[folio] = 0;
    frames.clear(folio, PG_DIRTY | PG_PRIVATE | PG_WRITEBACK);
    mapping.ops.freeFolio?.(folio);
    system.memory.wakeWritebackWaiters(folio);
    system.memory.put(folio, references);
  }
}
