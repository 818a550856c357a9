import { LEAF_SHIFT as HPAGE_ORDER, PTRS_PER_PTE } from '../base/index.js';
import { Condition, HotStream, SimulationError, type Simulation, type Task } from '../engine/index.js';
import type { NotifierHub } from '../../notifiers/index.js';
import { AddressSpace, type AddressSpaceOperations, type AddressSpaceOptions } from './address-space.js';
import { AnonVma } from './anon-vma.js';
import { Ksm } from './ksm.js';
import { StableNode } from './ksm-node.js';
import { LruBatches } from './lru-batches.js';
import { MmStruct } from './mm-struct.js';
import { PG_DIRTY, PG_READAHEAD, PG_RESERVED, PG_UPTODATE } from './page-flags.js';
import { ZERO_FRAME, type PhysicalMemory } from './physical-memory.js';
import { SwapDevice } from './swap.js';
import type { Vma } from './vma.js';

/** What the CPU's part of memory management costs, in ns. */
export interface MmCosts {
  /** A page fault that needs no I/O. */
  readonly minorFault: number;
  /** page_mkwrite: a journal handle, a reservation. */
  readonly pageMkwrite: number;
  /** Cleaning or clearing one page table entry and flushing the CPU's TLB. */
  readonly pteFlush: number;
}

/** What a policy decides about pins. The kernel's other policies come in with the code that they change. */
export interface PinPolicy {
  /** May a device keep a writable pin on this mapping for as long as it likes? */
  allowsWritableLongTermPin(vma: Vma): boolean;
}

/** A fault that was handled. */
export interface MmFault {
  readonly mm: MmStruct;
  readonly address: number;
  readonly write: boolean;
  readonly signal: 'SIGBUS' | 'HWPOISON' | 'SIGSEGV' | 'OOM' | null;
}

/** A page table entry, small or huge, that is another now. */
export interface EntryChange {
  readonly mm: MmStruct;
  readonly page: number;
  /** How many pages it maps. */
  readonly pages: number;
  readonly was: number;
  readonly now: number;
}

/** hmm_range_fault has looked at an entry on behalf of a driver. */
export interface HmmRead {
  readonly mm: MmStruct;
  readonly address: number;
}

/** Counters of /proc/vmstat that pinning keeps. */
export interface PinCounters {
  /** nr_foll_pin_acquired */
  acquired: number;
  /** nr_foll_pin_released */
  released: number;
  /** Pages pinned now, and the most that ever were. */
  pinned: number;
  peak: number;
}

/** How memory is got back when none is free. The kernel installs its reclaim here. */
export type Reclaimer = (frames: number) => Task<number>;

/** A sysfs setting of transparent huge pages: for every mapping, for those that ask (MADV_HUGEPAGE), for none. */
export type ThpPolicy = 'always' | 'advise' | 'never';

/** What all address spaces of one machine share. */
export class MmSystem {
  /** Every handled fault, of every mm. */
  readonly faults$ = new HotStream<MmFault>();
  /** Every page_mkwrite, by the address at which it happened. */
  readonly mkwrites$ = new HotStream<{ readonly mm: MmStruct; readonly address: number }>();
  /** SIGBUS because of a broken page (BUS_MCEERR_AR), to the process whose access found it. */
  readonly memoryErrors$ = new HotStream<{ readonly mm: MmStruct; readonly address: number }>();
  /** Every change of a page table, of every mm. */
  readonly entryChanges$ = new HotStream<EntryChange>();
  /** What HMM tells drivers, page by page. */
  readonly hmmReads$ = new HotStream<HmmRead>();
  /** A folio is about to be marked dirty. */
  readonly dirtying$ = new HotStream<number>();
  /** Somebody is about to ask for memory, and may have to wait for it: pages wanted. */
  readonly allocating$ = new HotStream<number>();
  readonly pins: PinCounters = { acquired: 0, released: 0, pinned: 0, peak: 0 };
  reclaimer: Reclaimer | null = null;
  /** Migration entries have been replaced: who met one looks again. */
  readonly migrationEnded: Condition;
  readonly swap: SwapDevice;
  readonly ksm: Ksm;
  /** Folios that MADV_FREE and MADV_COLD have put down. */
  readonly lruBatches: LruBatches;
  /** Which anonymous folios of 64 KiB page faults make (hugepages-64kB/enabled). */
  mthp64k: ThpPolicy = 'never';
  /** Which shared anonymous folios of 2 MiB page faults make (shmem_enabled). */
  shmemThp: ThpPolicy = 'never';

  /** Owners of frames by their id; 0 is nobody. */
  private readonly owners: (AddressSpace | AnonVma | StableNode | null)[] = [null];
  private lastMmId = 0;
  private hugeZero = -1;

  constructor(
    readonly simulation: Simulation,
    readonly hub: NotifierHub,
    readonly memory: PhysicalMemory,
    readonly costs: MmCosts,
    readonly pinPolicy: PinPolicy,
  ) {
    this.migrationEnded = new Condition(simulation, 'a page to be migrated');
    this.lruBatches = new LruBatches(memory);
    this.ksm = new Ksm(simulation, memory, (folio) => this.newStableNode(folio));
    this.swap = new SwapDevice(memory.contents.keepsBytes, (frame) => memory.put(memory.frames.folioOf(frame)));
  }

  newMm(name?: string): MmStruct {
    const id = ++this.lastMmId;
    return new MmStruct(this, id, name ?? `mm ${String(id)}`);
  }

  newAddressSpace(name: string, ops: AddressSpaceOperations, options: AddressSpaceOptions): AddressSpace {
    const mapping = new AddressSpace(this.simulation, this.owners.length, name, ops, options);
    this.owners.push(mapping);
    return mapping;
  }

  /** @param base page number from which the family counts its pages, see AnonVma */
  newAnonVma(base: number): AnonVma {
    const anonVma = new AnonVma(this.owners.length, base);
    this.owners.push(anonVma);
    return anonVma;
  }

  /** folio_mapping: the file that a folio caches; null for anonymous and detached ones. */
  mappingOf(folio: number): AddressSpace | null {
    const owner = this.owners[this.memory.frames.owner[folio]];
    return owner instanceof AddressSpace ? owner : null;
  }

  anonVmaOf(folio: number): AnonVma | null {
    const owner = this.owners[this.memory.frames.owner[folio]];
    return owner instanceof AnonVma ? owner : null;
  }

  /** folio_stable_node: null for what ksmd has not merged. */
  stableNodeOf(folio: number): StableNode | null {
    const owner = this.owners[this.memory.frames.owner[folio]];
    return owner instanceof StableNode ? owner : null;
  }

  /** is_zero_pfn, is_huge_zero_pfn: the frame is never written, counted or freed. */
  isZero(frame: number): boolean {
    return (
      frame === ZERO_FRAME || (this.hugeZero > 0 && frame >= this.hugeZero && frame < this.hugeZero + PTRS_PER_PTE)
    );
  }

  /** mm_get_huge_zero_folio: the folio that is mapped read-only where 2 MiB were read but never written; -1 without memory. */
  hugeZeroFolio(): number {
    if (this.hugeZero < 0) {
      this.hugeZero = this.memory.allocate(HPAGE_ORDER);
      if (this.hugeZero >= 0) this.memory.frames.set(this.hugeZero, PG_RESERVED | PG_UPTODATE);
    }
    return this.hugeZero;
  }

  /** Allocates a folio with one reference, after reclaim if need be; -1 if nothing can be reclaimed. */
  *allocate(order: number, node = 0): Task<number> {
    if (this.allocating$.observed) this.allocating$.emit(1 << order);
    for (;;) {
      const folio = this.memory.allocate(order, node);
      if (folio >= 0 || this.reclaimer === null) return folio;
      if ((yield* this.reclaimer(1 << order)) === 0) return -1;
    }
  }

  /** folio_mark_dirty. The caller has a reference, or an entry that maps the folio. */
  markDirty(folio: number): void {
    if (!this.memory.frames.isAllocated(folio)) {
      throw new SimulationError(`folio ${String(folio)} was marked dirty, but is free`);
    }
    if (this.dirtying$.observed) this.dirtying$.emit(folio);
    const mapping = this.mappingOf(folio);
    if (mapping === null) {
      this.memory.frames.set(folio, PG_DIRTY);
      return;
    }
    // folio_clear_reclaim
    this.memory.frames.clear(folio, PG_READAHEAD);
    mapping.ops.dirtyFolio(mapping, folio);
  }

  private newStableNode(folio: number): StableNode {
    const node = new StableNode(this.owners.length, folio);
    this.owners.push(node);
    return node;
  }
}
