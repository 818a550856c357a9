import { pageOf } from '../../base/index.js';
import {
  PTE_NONE,
  PTE_SOFT_DIRTY,
  VM_EXEC,
  VM_HUGETLB,
  VM_READ,
  VM_SHARED,
  VM_SOFTDIRTY,
  VM_WRITE,
  pteFrame,
  ptePresent,
  type MmStruct,
  type Vma,
} from '../../mm/index.js';
import { AREA_SPACING, type Area, type Areas } from './areas.js';
import type { RecordedVma } from './recorded.js';

/** The mappings of an mm in an area. */
function vmasIn(mm: MmStruct, area: Area): readonly Vma[] {
  return mm.vmas.overlapping(area.start, area.start + AREA_SPACING);
}

/**
 * The entries of all pages of an area that were ever mapped, PTE_NONE where there is none. In a mapping that is new since
 * soft-dirty bits were reset, every entry counts as soft-dirty; of hugetlb Linux tells nothing else.
 */
function* entriesIn(mm: MmStruct, area: Area): Generator<number> {
  const vmas = vmasIn(mm, area);
  const first = pageOf(area.start);
  let next = 0;
  for (let page = first; page < first + area.pages; page++) {
    while (next < vmas.length && pageOf(vmas[next].end) <= page) next++;
    const pte = mm.pageTable.get(page);
    const vma = next < vmas.length && pageOf(vmas[next].start) <= page ? vmas[next] : null;
    if (pte === PTE_NONE || vma === null) yield pte;
    else if (vma.has(VM_SOFTDIRTY)) yield pte | PTE_SOFT_DIRTY;
    else yield vma.has(VM_HUGETLB) ? pte & ~PTE_SOFT_DIRTY : pte;
  }
}

/** All mappings in the areas. */
export function probeVmas(mm: MmStruct, areas: Areas): RecordedVma[] {
  return areas.list.flatMap((area) => vmasIn(mm, area).map((vma) => describeVma(area, vma)));
}

function describeVma(area: Area, vma: Vma): RecordedVma {
  const first = pageOf(vma.start - area.start);
  const end = pageOf(vma.end - area.start);
  const rights =
    (vma.has(VM_READ) ? 'r' : '-') +
    (vma.has(VM_WRITE) ? 'w' : '-') +
    (vma.has(VM_EXEC) ? 'x' : '-') +
    (vma.has(VM_SHARED) ? 's' : 'p');
  return vma.file === null ? [area.name, first, end, rights] : [area.name, first, end, rights, vma.pgoff];
}

/**
 * Sizes of the folios as an area maps them, in order: how many neighbouring pages show neighbours of one folio; -n stands for n pages
 * without a present entry.
 */
export function probeFolios(mm: MmStruct, area: Area): number[] {
  const { frames } = mm.system.memory;
  const sizes: number[] = [];
  let before = -1;
  for (const pte of entriesIn(mm, area)) {
    const frame = ptePresent(pte) ? pteFrame(pte) : -1;
    const step = frame < 0 ? -1 : 1;
    // The zero page, or the huge one, next to itself is two of them.
    const goesOn = frame < 0 ? before < 0 : frame === before + 1 && frames.folioOf(frame) !== frame;
    if (sizes.length > 0 && goesOn) sizes[sizes.length - 1] += step;
    else sizes.push(step);
    before = frame;
  }
  return sizes;
}

/** Run lengths of the page states of an area: p present, s swapped out, . neither; upper case is soft-dirty too. */
export function probePagemap(mm: MmStruct, area: Area): string {
  let text = '';
  let run = 0;
  let state = '';
  for (const pte of entriesIn(mm, area)) {
    const here = pageState(pte);
    if (here !== state) {
      if (run > 0) text += `${String(run)}${state}`;
      state = here;
      run = 0;
    }
    run++;
  }
  return run > 0 ? `${text}${String(run)}${state}` : text;
}

function pageState(pte: number): string {
  const letter = ptePresent(pte) ? 'p' : pte === 0 ? '.' : 's';
  return (pte & PTE_SOFT_DIRTY) === 0 ? letter : letter.toUpperCase();
}
