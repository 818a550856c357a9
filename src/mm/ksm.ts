import { Lock, type Simulation } from '../engine/index.js';
import type { RmapItem, StableNode } from './ksm-node.js';
import { StableTree } from './ksm-stable-tree.js';
import type { MmStruct } from './mm-struct.js';
import type { PhysicalMemory } from './physical-memory.js';

/** An mm that has mergeable mappings, or had: Linux's struct ksm_mm_slot. */
export interface MmSlot {
  readonly mm: MmStruct;
  /** By address. */
  readonly items: RmapItem[];
}

/** Where ksmd is: Linux's struct ksm_scan. */
export interface ScanCursor {
  slot: MmSlot;
  /** The next address to be looked at. */
  address: number;
  /** The next of the slot's items. */
  item: number;
}

/** What ksmd (mm/ksm.c) keeps: which pages it has seen, which of them it has merged. */
export class Ksm {
  /** use_zero_pages: pages of zeros become the zero page. */
  useZeroPages = false;
  /** smart_scan: pages that could not be merged before are looked at less often. */
  smartScan = true;

  /** ksm_thread_mutex. */
  readonly thread: Lock;
  readonly stable: StableTree;
  /** The pages of this scan that did not change since the last one, by what they hold. They may change while they are here. */
  readonly unstable: RmapItem[] = [];
  readonly slots: MmSlot[] = [];
  /** Null between two scans. */
  cursor: ScanCursor | null = null;
  /** Scans so far. */
  seqnr = 0;
  /** Items in the unstable tree, of this scan and the last. */
  pagesUnshared = 0;

  constructor(simulation: Simulation, memory: PhysicalMemory, newNode: (folio: number) => StableNode) {
    this.thread = new Lock(simulation, 'ksm_thread_mutex');
    this.stable = new StableTree(memory, newNode);
  }

  /** __ksm_enter: ksmd comes to the mm when it has been round once. */
  enter(mm: MmStruct): void {
    if (this.slotOf(mm) !== undefined) return;
    const at = this.cursor === null ? this.slots.length : this.slots.indexOf(this.cursor.slot);
    this.slots.splice(at, 0, { mm, items: [] });
  }

  /** ksm_fork. */
  fork(child: MmStruct, parent: MmStruct): void {
    if (this.slotOf(parent) !== undefined) this.enter(child);
  }

  /**
   * __ksm_exit: an mm of which ksmd knows nothing yet is forgotten; others are the next that it cleans up.
   * @returns true if ksmd may be at work in it
   */
  exit(mm: MmStruct): boolean {
    const slot = this.slotOf(mm);
    if (slot === undefined) return false;
    if (this.cursor?.slot === slot) return true;
    this.slots.splice(this.slots.indexOf(slot), 1);
    if (slot.items.length === 0) return false;
    const next = this.cursor === null ? 0 : this.slots.indexOf(this.cursor.slot) + 1;
    this.slots.splice(next, 0, slot);
    return true;
  }

  /** remove_rmap_item_from_tree: the item is in neither tree. */
  remove(item: RmapItem): void {
    if (item.head !== null) {
      this.stable.remove(item, item.head);
    } else if (item.unstableIn >= 0) {
      // The tree of the last scan is gone.
      if (item.unstableIn === this.seqnr) this.unstable.splice(this.unstable.indexOf(item), 1);
      this.pagesUnshared--;
      item.unstableIn = -1;
    }
  }

  private slotOf(mm: MmStruct): MmSlot | undefined {
    return this.slots.find((slot) => slot.mm === mm);
  }
}
