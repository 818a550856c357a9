import { pageOf } from '../../base/index.js';
import {
  PTE_SOFT_DIRTY,
  VM_EXEC,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  pteFrame,
  ptePresent,
  type MmStruct,
  type Vma,
} from '../../mm/index.js';
import type { Area, Areas } from './areas.js';
import type { RecordedVma } from './recorded.js';

/** The mappings of an mm in an area. */
function vmasIn(mm: MmStruct, area: Area): readonly Vma[] {
  return mm.vmas.overlapping(area.start, area.start + 2 ** 36);
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

/** Sizes of the folios that an area maps, in pages and in order; -n stands for n pages without a present entry. */
export function probeFolios(mm: MmStruct, area: Area): number[] {
  const { frames } = mm.system.memory;
  const sizes: number[] = [];
  let folio = -1;
  for (const vma of vmasIn(mm, area)) {
    for (let page = pageOf(vma.start); page < pageOf(vma.end); page++) {
      const pte = mm.pageTable.get(page);
      if (!ptePresent(pte)) {
        folio = -1;
        addMissing(sizes);
        continue;
      }
      const here = frames.folioOf(pteFrame(pte));
      if (here === folio && frames.pages(folio) > 1) continue;
      folio = here;
      sizes.push(frames.pages(folio));
    }
  }
  return sizes;
}

function addMissing(sizes: number[]): void {
  const last = sizes.length - 1;
  if (last >= 0 && sizes[last] < 0) sizes[last]--;
  else sizes.push(-1);
}

/** Run lengths of the page states of an area: p present, s swapped out, . neither; upper case is soft-dirty too. */
export function probePagemap(mm: MmStruct, area: Area): string {
  let text = '';
  let run = 0;
  let state = '';
  for (const vma of vmasIn(mm, area)) {
    for (let page = pageOf(vma.start); page < pageOf(vma.end); page++) {
      const here = pageState(mm.pageTable.get(page));
      if (here === state) {
        run++;
        continue;
      }
      if (run > 0) text += `${String(run)}${state}`;
      state = here;
      run = 1;
    }
  }
  return run > 0 ? `${text}${String(run)}${state}` : text;
}

function pageState(pte: number): string {
  const letter = ptePresent(pte) ? 'p' : pte === 0 ? '.' : 's';
  return (pte & PTE_SOFT_DIRTY) === 0 ? letter : letter.toUpperCase();
}
