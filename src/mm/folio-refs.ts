import type { MmSystem } from './mm-system.js';

/** folio_expected_ref_count: references by the caches and by entries. Who has others has a pin, or is at work with it. */
export function folioExpectedRefCount(system: MmSystem, folio: number): number {
  const { frames } = system.memory;
  const cached = system.mappingOf(folio) !== null || system.swap.isCached(folio);
  return (cached ? frames.pages(folio) : 0) + frames.folioMapcount(folio);
}
