import { PTE_ACCESSED, PTE_DIRTY, PTE_SOFT_DIRTY, PTE_UFFD_WP, PTE_WRITE, pteFrame, ptePresent } from './pte.js';
import type { Vma } from './vma.js';

/**
 * folio_pte_batch: how many entries from `page` on map pages of one folio, one behind the other, and agree in some flags.
 * @param respected the flags in which they must agree
 */
export function folioPteBatch(vma: Vma, page: number, stop: number, respected = PTE_UFFD_WP): number {
  const { pageTable, system } = vma.mm;
  const { frames } = system.memory;
  const first = pageTable.get(page);
  const frame = pteFrame(first);
  const folio = frames.folioOf(frame);
  const most = Math.min(stop - page, folio + frames.pages(folio) - frame);
  let length = 1;
  while (length < most) {
    const pte = pageTable.get(page + length);
    if (!ptePresent(pte) || pteFrame(pte) !== frame + length || ((pte ^ first) & respected) !== 0) break;
    length++;
  }
  return length;
}

/**
 * get_and_clear_ptes, modify_prot_start_ptes: what a batch of entries says of its use, when all of it is taken at once. An
 * entry behind the first makes it dirty by pte_mkdirty, and soft-dirty with that.
 */
export function mergedUse(batch: readonly number[]): number {
  return batch.reduce((flags, pte, i) => {
    const isMadeDirty = i > 0 && (pte & PTE_DIRTY) !== 0;
    return flags | (pte & (PTE_DIRTY | PTE_ACCESSED)) | (isMadeDirty ? PTE_SOFT_DIRTY : 0);
  }, 0);
}

/** modify_prot_start_ptes, of the small entries of [page, stop): those of a large folio that are alike become so in their use. */
export function mergeUseOfBatches(vma: Vma, page: number, stop: number): void {
  const { pageTable } = vma.mm;
  for (let at = page, length = 1; at < stop; at += length) {
    length = ptePresent(pageTable.get(at)) ? folioPteBatch(vma, at, stop, PTE_SOFT_DIRTY | PTE_WRITE | PTE_UFFD_WP) : 1;
    if (length === 1) continue;
    const batch = Array.from({ length }, (_, i) => pageTable.get(at + i));
    const use = mergedUse(batch);
    batch.forEach((pte, i) => {
      pageTable.set(at + i, pte | use);
    });
  }
}
