import { LEAF_SHIFT as HPAGE_ORDER, PTRS_PER_PTE } from '../base/index.js';
import type { Task } from '../engine/index.js';
import type { AddressSpace } from './address-space.js';
import { retractPageTables } from './collapse-pte-mapped.js';
import { folioExpectedRefCount } from './folio-refs.js';
import type { MmSystem } from './mm-system.js';
import { NodeLoad } from './node-load.js';
import { addToPageCache, removeFromPageCache } from './page-cache.js';
import { PG_UPTODATE } from './page-flags.js';
import type { ScanResult } from './scan-result.js';
import { tryToUnmap } from './try-to-unmap.js';
import { VM_UFFD_MISSING, type Vma } from './vma.js';

/**
 * hpage_collapse_scan_file: the cache of shared memory gets a folio of 2 MiB in place of the small ones of a block, which no
 * entry maps then; small entries go first, one CLEAR per folio and mapping.
 *
 * @returns `pte mapped hugepage` if it has one, now or before
 */
export function* collapseCached(vma: Vma, mapping: AddressSpace, address: number): Task<ScanResult> {
  const { system } = vma.mm;
  const first = vma.pageIndex(address);
  const load = new NodeLoad(system.memory);
  const scanned = scan(system, mapping, first, load);
  if (scanned !== 'succeed') return scanned;
  return yield* new FileCollapse(system, mapping, first).run(load.targetNode);
}

/** What stands in the way, as far as can be seen without locks. */
function scan(system: MmSystem, mapping: AddressSpace, first: number, load: NodeLoad): ScanResult {
  const { frames } = system.memory;
  const end = first + PTRS_PER_PTE;
  for (let index = mapping.pages.next(first, end); index >= 0;) {
    const folio = frames.folioOf(mapping.pages.get(index));
    if (isWholeBlock(system, folio, first)) return 'pte mapped hugepage';
    load.add(folio);
    if (frames.refcount[folio] !== folioExpectedRefCount(system, folio)) return 'page count';
    index = mapping.pages.next(frames.index[folio] + frames.pages(folio), end);
  }
  return 'succeed';
}

function isWholeBlock(system: MmSystem, folio: number, first: number): boolean {
  const { frames } = system.memory;
  return frames.order(folio) === HPAGE_ORDER && frames.index[folio] === first;
}

/** collapse_file. */
class FileCollapse {
  private readonly end: number;
  /** Folios that are to be replaced: locked, referenced, mapped by nobody. */
  private readonly isolated: number[] = [];
  /** Pages that the file does not have. */
  private readonly holes: number[] = [];

  constructor(
    private readonly system: MmSystem,
    private readonly mapping: AddressSpace,
    private readonly first: number,
  ) {
    this.end = first + PTRS_PER_PTE;
  }

  *run(node: number): Task<ScanResult> {
    const { system, mapping, first } = this;
    const { memory } = system;
    const huge = memory.allocate(HPAGE_ORDER, node);
    if (huge < 0) return 'alloc huge page fail';
    memory.tryLockFolio(huge);
    let result = yield* this.isolateAll();
    if (result === 'succeed') result = this.checkHoles();
    if (result === 'succeed') {
      this.replaceBy(huge);
      yield* retractPageTables(mapping, first);
      result = 'pte mapped hugepage';
    }
    memory.unlockFolio(huge);
    memory.put(huge);
    for (const folio of this.isolated) {
      memory.unlockFolio(folio);
      memory.put(folio);
    }
    return result;
  }

  private *isolateAll(): Task<ScanResult> {
    const { first, end } = this;
    for (let index = first; index < end;) {
      if (this.isHole(index)) {
        if (index === first && this.isEmpty()) return 'truncated';
        this.holes.push(index++);
        continue;
      }
      const folio = yield* this.lockedFolio(index);
      if (typeof folio === 'string') return folio;
      const result = yield* this.isolate(folio);
      if (result !== 'succeed') {
        this.system.memory.unlockFolio(folio);
        this.system.memory.put(folio);
        return result;
      }
      this.isolated.push(folio);
      index += this.system.memory.frames.pages(folio);
    }
    return 'succeed';
  }

  /** The folio of a page that is here, or on the swap device: locked and referenced. */
  private *lockedFolio(index: number): Task<number | ScanResult> {
    const { system, mapping } = this;
    const { memory } = system;
    const folio = memory.frames.folioOf(mapping.pages.get(index));
    if (folio === 0 || !memory.frames.has(folio, PG_UPTODATE)) {
      if (mapping.ops.getFolio === undefined) return 'fail';
      const fetched = yield* mapping.ops.getFolio(mapping, index);
      system.lruBatches.drain();
      return fetched < 0 ? 'fail' : fetched;
    }
    if (!memory.tryLockFolio(folio)) return 'page lock';
    memory.frames.get(folio);
    return folio;
  }

  /** Takes all entries of a folio away, which is the caller's alone then. */
  private *isolate(folio: number): Task<ScanResult> {
    const { system, mapping, first } = this;
    const { frames } = system.memory;
    // It came back from the swap device as a whole.
    if (isWholeBlock(system, folio, first)) return 'pte mapped hugepage';
    if (system.mappingOf(folio) !== mapping) return 'truncated';
    if (frames.folioMapcount(folio) > 0) yield* tryToUnmap(system, folio);
    return frames.refcount[folio] === 1 + frames.pages(folio) ? 'succeed' : 'page count';
  }

  /** Holes become zeros; who wants to hear of missing pages would not. */
  private checkHoles(): ScanResult {
    const { mapping, first, end } = this;
    if (this.holes.length === 0) return 'succeed';
    if (!this.holes.every((index) => this.isHole(index))) return 'page filled';
    const vmas: Vma[] = [];
    mapping.iMmap.forEachOverlap(first, end, (vma) => vmas.push(vma));
    return vmas.some((vma) => vma.has(VM_UFFD_MISSING)) ? 'exceed none pte' : 'succeed';
  }

  private replaceBy(huge: number): void {
    const { system, mapping, first } = this;
    const { frames, contents } = system.memory;
    for (const folio of this.isolated) {
      const offset = frames.index[folio] - first;
      for (let i = 0; i < frames.pages(folio); i++) contents.copy(contents, folio + i, huge + offset + i);
      removeFromPageCache(system, mapping, folio);
    }
    frames.set(huge, PG_UPTODATE);
    addToPageCache(system, mapping, huge, first);
    system.markDirty(huge);
  }

  private isHole(index: number): boolean {
    const { mapping } = this;
    return mapping.pages.get(index) === 0 && mapping.ops.isSwapped?.(mapping, index, index + 1) !== true;
  }

  private isEmpty(): boolean {
    const { mapping, first, end } = this;
    return mapping.pages.next(first, end) < 0 && mapping.ops.isSwapped?.(mapping, first, end) !== true;
  }
}
