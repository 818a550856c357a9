import type { MmSystem } from './mm-system.js';

/** folio_expected_ref_count: references by the caches and by entries. Who has others has a pin, or is at work with it. */
export function folioExpectedRefCount(system: MmSystem, folio: number): number {
  const { frames } = system.memory;
  const pages = frames.pages(folio);
  const cached = system.mappingOf(folio) !== null ? pages : system.swap.countCached(folio, pages);
  return cached + frames.folioMapcount(folio);
}
