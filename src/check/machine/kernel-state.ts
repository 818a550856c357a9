import { READ, UPDATE, WRITE, type SharedState } from '../../engine/index.js';
import type { KernelCore } from '../../kernel/index.js';
import type { MmStruct } from '../../mm/index.js';
import type { Stage } from '../explore/index.js';
import { Domain, changesBut, type Classify } from './domain.js';
import { probe, type Watch } from './probe.js';

/** Methods of the kernel's memory that only look: of page tables, mappings, frames, memory and what they share. */
const LOOKS = [
  ...['get', 'huge', 'nextPopulated', 'hasDirectory', 'hasDirectoryIn', 'populatedBlocks', 'isPopulatedIn'],
  ...['forEach', 'leafCount', 'underHuge', 'skipHoles', 'skipFar'],
  ...['size', 'at', 'overlapping', 'before', 'after', 'firstEndingAfter', 'Symbol(Symbol.iterator)'],
  ...['folioOf', 'order', 'pages', 'has', 'folioMapcount', 'entireMapcount', 'maybeMappedShared', 'isMappedByMany'],
  ...['isPartiallyMapped', 'maybeDmaPinned', 'isAllocated'],
  ...['freeFrames', 'nodeOf', 'isLocked'],
  ...['mappingOf', 'anonVmaOf', 'isZero'],
];

/** FrameTable.get takes a reference: it has its name in common with a method that looks. */
const FRAME_CHANGES = new Set(['get']);

/** The identity of a write: which of two comes first makes no difference. */
const IGNORED = ['nextStamp'];

/** Methods of page contents that only look at the page that they name first; and those that concern no page. */
const CONTENT_LOOKS = new Set(['read', 'isZero', 'stampAt', 'forEachRun', 'checksum']);
const NO_PAGE = new Set(['addSource', 'settle', 'payOwed', 'slab', 'tellsBytes']);

const looks = changesBut(LOOKS, IGNORED);
const memoryUse: Classify = (method) => (method === 'markDirty' ? UPDATE : looks(method));

/**
 * The kernel's memory as far as a search over schedules is concerned: one thing that processes share, and one for the
 * contents of each frame. Locks, notifiers and waits report by themselves.
 *
 * That is coarse: any two steps of system calls depend on each other, and a device's page fault on both. What may change
 * places are steps of different devices.
 */
export class KernelState {
  /** All of it but contents: what system calls belong to. */
  readonly part: SharedState;
  private readonly memory: Domain;

  constructor(stage: Stage, kernel: KernelCore) {
    this.part = stage.state();
    this.memory = new Domain(this.part, memoryUse);
    const { memory } = kernel.mm;
    probe(kernel.mm, this.memory);
    probe(memory, this.memory);
    probe(memory.frames, new FrameWatch(this.memory));
    probe(memory.contents, new ContentWatch(stage, memory.contents, memory.frames.count));
  }

  /** Watches an address space. */
  watch(mm: MmStruct): void {
    probe(mm.pageTable, this.memory);
    probe(mm.vmas, this.memory);
    const { alive, pinnedVm } = mm;
    Object.defineProperties(Object.assign(mm, { [FIELDS]: { alive, pinnedVm, memory: this.memory } }), FIELD_PROBES);
  }
}

/** Fields of an address space that are looked at directly, and what they belong to. */
const FIELDS = Symbol('fields');

interface Watched {
  readonly [FIELDS]: Record<'alive' | 'pinnedVm', unknown> & { readonly memory: Domain };
}

/** The same functions for every address space: a closure of its own would live on in the engine's hidden class of it. */
const FIELD_PROBES: PropertyDescriptorMap = { alive: fieldProbe('alive'), pinnedVm: fieldProbe('pinnedVm') };

function fieldProbe(field: 'alive' | 'pinnedVm'): PropertyDescriptor & ThisType<Watched> {
  return {
    get() {
      this[FIELDS].memory.use(READ);
      return this[FIELDS][field];
    },
    set(next: unknown) {
      this[FIELDS].memory.use(WRITE);
      this[FIELDS][field] = next;
    },
  };
}

class FrameWatch implements Watch {
  constructor(private readonly memory: Domain) {}

  enter(method: string): void {
    this.memory.enter(FRAME_CHANGES.has(method) ? 'a change' : method);
  }

  leave(): void {
    this.memory.leave();
  }
}

/** The contents of each frame by themselves. */
class ContentWatch implements Watch {
  private readonly frames: readonly SharedState[];

  constructor(
    stage: Stage,
    private readonly contents: object,
    count: number,
  ) {
    this.frames = Array.from({ length: count }, () => stage.state());
  }

  enter(method: string, args: readonly unknown[]): void {
    if (NO_PAGE.has(method)) return;
    if (method === 'copy') {
      // From somewhere else, a disk for example, nothing is shared that could change.
      if (args[0] === this.contents) this.frames[args[1] as number].read();
      this.frames[args[2] as number].write();
    } else if (typeof args[0] === 'number') {
      const state = this.frames[args[0]];
      if (CONTENT_LOOKS.has(method)) state.read();
      else state.write();
    } else {
      for (const state of this.frames) state.write();
    }
  }

  leave(): void {
    // What a method of contents calls is about the same page.
  }
}
