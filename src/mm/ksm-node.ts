import { PAGE_SIZE } from '../base/index.js';
import type { AnonVma } from './anon-vma.js';
import type { FolioPlace } from './folio-places.js';
import type { MmStruct } from './mm-struct.js';

/** What ksmd knows of one page of a mergeable mapping: Linux's struct ksm_rmap_item. */
export class RmapItem {
  /** Hash of the page when ksmd saw it last. */
  oldChecksum = 0;
  /** Scans since it was first seen that did not merge it, up to 255. */
  age = 0;
  /** Scans that pass it over, before it is looked at again. */
  remainingSkips = 0;
  /** The scan whose unstable tree it is in; -1: it is in none. */
  unstableIn = -1;
  /** The merged page that it shares. */
  head: StableNode | null = null;
  /** The family of the page that was there before. */
  anonVma: AnonVma | null = null;

  constructor(
    readonly mm: MmStruct,
    readonly address: number,
  ) {}
}

/** A merged page and who shares it: Linux's struct ksm_stable_node. It has no reference to the page, which may go at any time. */
export class StableNode {
  /** The latest first. */
  readonly items: RmapItem[] = [];

  /** @internal made by MmSystem.newStableNode */
  constructor(
    /** Number by which the frame names its owner, never reused. */
    readonly id: number,
    /** kpfn: its frame. Migration changes it. */
    public folio: number,
  ) {}
}

/**
 * rmap_walk_ksm: the mappings in which a merged page may appear. First those in which ksmd put it, then those of processes
 * that were forked since and that ksmd has not come to yet.
 */
export function placesOfKsm(node: StableNode): FolioPlace[] {
  const places: FolioPlace[] = [];
  for (const forks of [false, true]) {
    for (const { mm, address, anonVma } of node.items) {
      anonVma?.vmas.forEachOverlap(0, Infinity, (vma) => {
        const covers = vma.start <= address && address < vma.end;
        if (covers && (vma.mm !== mm) === forks) places.push({ vma, start: address, end: address + PAGE_SIZE });
      });
    }
  }
  return places;
}
